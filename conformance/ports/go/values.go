package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"

	"tensorwire/port/wire"
)

// The JSON form of each profile's messages: the table "Values" of spec/iut-protocol.md.

const (
	maxFrame = math.MaxUint64 // what a length may say
	maxBuilt = 1 << 30        // what a case may have us build
	maxHex   = 4096
)

var (
	both       = []string{"decode", "encode"}
	decodeOnly = []string{"decode"}
	rolesOf    = map[string][]string{
		"len32": both, "len64": both, "len56-tagged": both, "grpc-lpm": both, "multipart": both, "multipart-typed": both,
		"tp": both, "pp-envelope": both, "pp-result": both, "tp-session": decodeOnly, "pp-session": decodeOnly,
	}
	stepsOf = map[string][]string{"decode": {"feed", "feed_fill", "eof", "reset"}, "encode": {"encode", "reset"}}
)

// What a case without a limit means: the largest, and the defaults of spec/tp-control.md.
var defaults = map[string]uint64{
	"max_frame_length": maxFrame, "max_parts": wire.NoLimit, "max_manifest_length": 1 << 20,
	"max_tensors": 64, "max_rank": 8, "max_tensor_length": maxFrame,
}

var leadName = map[string]string{"len56-tagged": "tag", "grpc-lpm": "flag"}

// declined carries the reason: profile, role, limit, step or operation.
type declined string

func (d declined) Error() string { return string(d) }

func hello(token string) object {
	profiles := object{}
	for name, roles := range rolesOf {
		profiles[name] = object{"roles": roles, "max_frame_length": strconv.FormatUint(maxFrame, 10)}
	}
	return object{
		"op": "hello", "protocol": 1, "token": token, "profiles": profiles,
		"iut":          object{"name": "tensorwire-go", "version": "1", "language": "go"},
		"capabilities": []string{}, "error_granularity": "class",
	}
}

// codec is what the shim needs of a profile: streams that give messages as JSON, and an encoder that takes them.
type codec struct {
	open   func() stream
	encode func(value json.RawMessage) (events []any, err error)
}

// stream is one connection.
type stream interface {
	Feed(kind string, value json.RawMessage) (events []any, err error)
	End() (events []any, err error)
}

type shown[M any] struct {
	*wire.Decoder[M]
	show func(M) any
}

func (s shown[M]) Feed(kind string, value json.RawMessage) (events []any, err error) {
	chunk, err := loadChunk(kind, value)
	if err != nil {
		return nil, err
	}
	messages, err := s.Decoder.Feed(chunk)
	for _, message := range messages {
		if value := s.show(message); value != nil {
			events = append(events, object{"event": "message", "value": value})
		}
	}
	return events, err
}

func (s shown[M]) End() ([]any, error) {
	if err := s.Decoder.End(); err != nil {
		return nil, err
	}
	return []any{object{"event": "end"}}, nil
}

// streams takes a parser for each connection: a session's has a state.
func streams[M any](parser func() wire.Parser[M], show func(M) any) func() stream {
	return func() stream { return shown[M]{wire.NewDecoder(parser()), show} }
}

func newCodec(r request) (codec, error) {
	profile, limits := r.Profile, maps.Clone(defaults)
	switch {
	case r.Op != "case":
		return codec{}, declined("operation")
	case rolesOf[profile] == nil:
		return codec{}, declined("profile")
	case !slices.Contains(rolesOf[profile], r.Role):
		return codec{}, declined("role")
	}
	for name, text := range r.Limits {
		value, err := strconv.ParseUint(text, 10, 64)
		if _, known := limits[name]; !known || err != nil {
			return codec{}, declined("limit")
		}
		limits[name] = value
	}
	limit, maxParts, typed := limits["max_frame_length"], limits["max_parts"], profile == "multipart-typed"
	var open func() stream
	var encode func(raw json.RawMessage) ([]byte, error)
	if wire.IsFrameProfile(profile) {
		parser := func() wire.Parser[wire.Frame] { return wire.FrameParser(profile, limit) }
		open = streams(parser, func(f wire.Frame) any { return showFrame(profile, f) })
		encode = func(raw json.RawMessage) ([]byte, error) { return encodeFrame(profile, raw, limit) }
	} else if kind, ok := bodies[profile]; ok {
		parser := func() wire.Parser[wire.Call] { return callParsers[profile](kind, callLimits(limits)) }
		open = streams(parser, func(c wire.Call) any { return showCall(profile, c) })
		encode = func(raw json.RawMessage) ([]byte, error) { return encodeCall(profile, raw, callLimits(limits)) }
	} else {
		open = streams(func() wire.Parser[[]wire.Record] { return wire.MultipartParser(typed, limit, maxParts) }, showRecords)
		encode = func(raw json.RawMessage) ([]byte, error) { return encodeRecords(raw, typed, limit) }
	}
	return codec{open, func(raw json.RawMessage) ([]any, error) { return bytesEvent(encode(raw)) }}, nil
}

// bytesEvent shows what an encoder gave.
func bytesEvent(data []byte, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	if len(data) <= maxHex {
		return []any{object{"event": "bytes", "hex": hex.EncodeToString(data)}}, nil
	}
	event := digest(data)
	event["event"] = "bytes"
	return []any{event}, nil
}

// lengthOf is the length of the bytes that loadBytes would give.
func lengthOf(raw json.RawMessage) (uint64, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return uint64(len(text) / 2), nil
	}
	var value struct{ Fill run }
	err := json.Unmarshal(raw, &value)
	return value.Fill.Count, err
}

// loadBytes reads hex, or a run of one byte, which is judged by its count before it is built.
func loadBytes(raw json.RawMessage, limit uint64) ([]byte, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return hex.DecodeString(text)
	}
	var value struct{ Fill run }
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, err
	}
	if value.Fill.Count > limit {
		return nil, &wire.Error{Class: "oversize.declared"}
	}
	return value.Fill.build()
}

// loadChunk reads what a feed or a feed_fill carries.
func loadChunk(kind string, raw json.RawMessage) ([]byte, error) {
	if kind == "feed" {
		return loadBytes(raw, maxFrame)
	}
	var fill run
	if err := json.Unmarshal(raw, &fill); err != nil {
		return nil, err
	}
	return fill.build()
}

// run is Count equal bytes.
type run struct {
	Byte  byte
	Count uint64
}

func (r run) build() ([]byte, error) {
	if r.Count > maxBuilt {
		return nil, declined("limit")
	}
	return bytes.Repeat([]byte{r.Byte}, int(r.Count)), nil
}

func showBytes(data []byte) any {
	if len(data) <= maxHex {
		return hex.EncodeToString(data)
	}
	return digest(data)
}

func digest(data []byte) object {
	sum := sha256.Sum256(data)
	return object{"length": len(data), "sha256": hex.EncodeToString(sum[:])}
}

func showFrame(profile string, frame wire.Frame) any {
	value := object{"payload": showBytes(frame.Payload)}
	if name, ok := leadName[profile]; ok {
		value[name] = frame.Lead
	}
	return value
}

func encodeFrame(profile string, raw json.RawMessage, limit uint64) ([]byte, error) {
	var value map[string]json.RawMessage
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, err
	}
	frame := wire.Frame{}
	if lead, ok := value[leadName[profile]]; ok {
		var err error
		if frame.Lead, err = strconv.Atoi(string(lead)); err != nil {
			frame.Lead = -1
		}
	}
	var err error
	if frame.Payload, err = loadBytes(value["payload"], limit); err != nil {
		return nil, err
	}
	return wire.AppendFrame(nil, profile, frame, limit)
}

func showRecords(records []wire.Record) any {
	values := make([]any, 0, len(records))
	for _, record := range records {
		if record.Typed {
			hash := strconv.FormatUint(record.Typehash, 10)
			values = append(values, object{"typehash": hash, "bytes": showBytes(record.Data)})
		} else {
			values = append(values, showBytes(record.Data))
		}
	}
	return object{"body": values[0], "parts": values[1:]}
}

func encodeRecords(raw json.RawMessage, typed bool, limit uint64) ([]byte, error) {
	var value struct {
		Body  json.RawMessage
		Parts []json.RawMessage
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, err
	}
	var records []wire.Record
	for _, part := range append([]json.RawMessage{value.Body}, value.Parts...) {
		record := wire.Record{}
		var withHash struct {
			Typehash *string
			Bytes    json.RawMessage
		}
		if json.Unmarshal(part, &withHash) == nil && withHash.Typehash != nil {
			hash, err := strconv.ParseUint(*withHash.Typehash, 10, 64)
			if err != nil {
				return nil, &wire.Error{Class: "header.field"}
			}
			part, record.Typed, record.Typehash = withHash.Bytes, true, hash
		}
		var err error
		if record.Data, err = loadBytes(part, limit); err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return wire.AppendMultipart(nil, records, typed, limit)
}
