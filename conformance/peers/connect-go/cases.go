package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
)

type object = map[string]any

type limit uint64

func (l limit) String() string { return strconv.FormatUint(uint64(l), 10) }

const (
	// WithReadMaxBytes takes an int; a length is 32 bits wide.
	maxFrame limit = 1<<32 - 1
	// A longer run is not built to have a library refuse it.
	maxBuilt = 64 << 20
	maxHex   = 4096
	prefix   = 5
)

type request struct {
	Op, Profile, Role string
	Seq               int64
	Limits            map[string]string
	Steps             []map[string]json.RawMessage
}

type declined struct{ reason, text string }

func (d declined) Error() string { return d.reason }

func libraryVersion() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "connectrpc.com/connect" {
			return module.Version
		}
	}
	return "unknown"
}

func answer(r request) object {
	lists, err := runCase(r)
	var no declined
	switch {
	case errors.As(err, &no):
		return object{"op": "declined", "seq": r.Seq, "reason": no.reason, "text": no.text}
	case err != nil:
		return object{"op": "errored", "seq": r.Seq, "text": err.Error()}
	}
	return object{"op": "result", "seq": r.Seq, "steps": lists}
}

func runCase(r request) ([][]object, error) {
	if r.Op != "case" {
		return nil, declined{"operation", "only case"}
	}
	if r.Profile != "grpc-lpm" {
		return nil, declined{"profile", "only grpc-lpm"}
	}
	most := maxFrame
	if text, given := r.Limits["max_frame_length"]; given {
		value, err := strconv.ParseUint(text, 10, 64)
		if err != nil || limit(value) > maxFrame {
			return nil, declined{"limit", "above " + maxFrame.String()}
		}
		most = limit(value)
	}
	if most == 0 {
		return nil, declined{"limit", "0 is no limit to this library"}
	}
	stream := openStream(most)
	defer func() { stream.close() }()
	lists := [][]object{}
	for _, step := range r.Steps {
		for kind, value := range step {
			events := []object{}
			var err error
			switch kind {
			case "reset":
				stream.close()
				stream = openStream(most)
			case "eof":
				events, err = stream.end()
			case "feed", "feed_fill":
				var chunk []byte
				if chunk, err = build(value); err == nil {
					events, err = stream.feed(chunk)
				}
			case "encode":
				events, err = encode(value, most)
			default:
				err = declined{"step", kind}
			}
			if err != nil {
				return nil, err
			}
			lists = append(lists, events)
		}
	}
	return lists, nil
}

func build(value json.RawMessage) ([]byte, error) {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return hex.DecodeString(text)
	}
	type run struct {
		Byte  byte
		Count int64
	}
	var filled struct {
		run
		Fill *run
	}
	if err := json.Unmarshal(value, &filled); err != nil {
		return nil, err
	}
	if filled.Fill != nil {
		filled.run = *filled.Fill
	}
	if filled.Count > maxBuilt {
		return nil, declined{"limit", fmt.Sprintf("%d bytes are not built here for a library to refuse", filled.Count)}
	}
	return bytes.Repeat([]byte{filled.Byte}, int(filled.Count)), nil
}

func show(data []byte) any {
	if len(data) <= maxHex {
		return hex.EncodeToString(data)
	}
	sum := sha256.Sum256(data)
	return object{"length": len(data), "sha256": hex.EncodeToString(sum[:])}
}
