package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"tensorwire/port/wire"
)

type object = map[string]any

var stepsOf = map[string][]string{"decode": {"feed", "feed_fill", "eof", "reset"}, "encode": {"encode", "reset"}}

// session is one case: it does the steps, and gives the events of each.
type session struct {
	codec
	stream stream
	told   bool // an error of the stream is told once
}

func (s *session) do(role string, step map[string]json.RawMessage) ([]any, error) {
	events := []any{}
	for kind, value := range step {
		if len(step) != 1 || !slices.Contains(stepsOf[role], kind) {
			return nil, declined("step")
		}
		news, err := s.take(kind, value)
		events = append(events, news...)
		var refused *wire.Error
		if err != nil && !errors.As(err, &refused) {
			return nil, err
		}
		if refused != nil && !s.told {
			s.told = kind != "encode"
			at := strconv.FormatUint(refused.At, 10)
			events = append(events, object{"event": "error", "class": refused.Class, "at": at, "fatal": s.told})
		}
	}
	return events, nil
}

func (s *session) take(kind string, value json.RawMessage) ([]any, error) {
	switch kind {
	case "reset":
		s.stream, s.told = s.open(), false
	case "eof":
		if err := s.stream.End(); err != nil {
			return nil, err
		}
		return []any{object{"event": "end"}}, nil
	case "encode":
		data, err := s.encode(value)
		if err != nil {
			return nil, err
		}
		if len(data) <= maxHex {
			return []any{object{"event": "bytes", "hex": hex.EncodeToString(data)}}, nil
		}
		event := digest(data)
		event["event"] = "bytes"
		return []any{event}, nil
	default: // one feed is one read
		chunk, err := loadChunk(kind, value)
		if err != nil {
			return nil, err
		}
		events, err := s.stream.Feed(chunk)
		for i, message := range events {
			events[i] = object{"event": "message", "value": message}
		}
		return events, err
	}
	return nil, nil
}
