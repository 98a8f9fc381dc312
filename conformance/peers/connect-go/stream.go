package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"

	"connectrpc.com/connect"
)

// raw hands payloads through as they are, in place of a protobuf codec.
type raw struct{}

func (raw) Name() string                        { return "raw" }
func (raw) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }
func (raw) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = bytes.Clone(data)
	return nil
}

// responder is the HTTP of a client's call: it keeps the request's body, and answers with an empty one.
type responder struct{ sent bytes.Buffer }

func (r *responder) Do(call *http.Request) (*http.Response, error) {
	if _, err := r.sent.ReadFrom(call.Body); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 2, Body: http.NoBody, Request: call,
		Header:  http.Header{"Content-Type": {"application/grpc+raw"}},
		Trailer: http.Header{"Grpc-Status": {"0"}},
	}, nil
}

func encode(value json.RawMessage, most limit) ([]object, error) {
	var message struct {
		Flag    int
		Payload json.RawMessage
	}
	if err := json.Unmarshal(value, &message); err != nil {
		return nil, err
	}
	if message.Flag != 0 {
		return nil, declined{"step", "the library sets the flag itself"}
	}
	payload, err := build(message.Payload)
	if err != nil {
		return nil, err
	}
	http := &responder{}
	client := connect.NewClient[[]byte, []byte](http, "http://peer.invalid/service/method",
		connect.WithGRPC(), connect.WithCodec(raw{}), connect.WithSendMaxBytes(int(most)))
	_, err = client.CallServerStream(context.Background(), connect.NewRequest(&payload))
	if err != nil {
		failure, err := refused(err, 0, false)
		return []object{failure}, err
	}
	event := object{"event": "bytes"}
	if shown, short := show(http.sent.Bytes()).(string); short {
		event["hex"] = shown
	} else {
		for key, part := range show(http.sent.Bytes()).(object) {
			event[key] = part
		}
	}
	return []object{event}, nil
}

// body is a request body of one read at a time: Read asks for the next when the last is used up.
type body struct {
	rest   []byte
	ended  bool
	wanted chan struct{}
	reads  chan []byte
	closed chan struct{}
}

func (b *body) Read(into []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.ended {
			return 0, io.EOF
		}
		select {
		case b.wanted <- struct{}{}:
		case <-b.closed:
			return 0, io.ErrClosedPipe
		}
		select {
		case chunk, open := <-b.reads:
			b.rest, b.ended = chunk, !open
		case <-b.closed:
			return 0, io.ErrClosedPipe
		}
	}
	n := copy(into, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *body) Close() error { return nil }

type outcome struct {
	payload []byte
	err     error
	last    bool
}

// stream is one call, and counts bytes, since the library names no offsets.
type stream struct {
	body       *body
	outcomes   chan outcome
	fed, start int
	over       bool
}

func openStream(most limit) *stream {
	s := &stream{
		body:     &body{wanted: make(chan struct{}), reads: make(chan []byte), closed: make(chan struct{})},
		outcomes: make(chan outcome),
	}
	go s.serve(most)
	<-s.body.wanted
	return s
}

// serve is a gRPC server's side of a client stream, up to its last message.
func (s *stream) serve(most limit) {
	handler := connect.NewClientStreamHandler("/service/method",
		func(_ context.Context, messages *connect.ClientStream[[]byte]) (*connect.Response[[]byte], error) {
			for messages.Receive() {
				s.tell(outcome{payload: *messages.Msg()})
			}
			s.tell(outcome{err: messages.Err(), last: true})
			return connect.NewResponse(&[]byte{}), nil
		}, connect.WithCodec(raw{}), connect.WithReadMaxBytes(int(most)))
	call := httptest.NewRequest(http.MethodPost, "/service/method", s.body)
	call.Header.Set("Content-Type", "application/grpc+raw")
	call.ProtoMajor, call.ProtoMinor = 2, 0
	handler.ServeHTTP(httptest.NewRecorder(), call)
}

func (s *stream) tell(o outcome) {
	select {
	case s.outcomes <- o:
	case <-s.body.closed:
	}
}

func (s *stream) close() { close(s.body.closed) }

func (s *stream) feed(chunk []byte) ([]object, error) {
	s.fed += len(chunk)
	if s.over {
		return []object{}, nil
	}
	s.body.reads <- chunk
	return s.gather()
}

func (s *stream) end() ([]object, error) {
	if s.over {
		return []object{}, nil
	}
	close(s.body.reads)
	return s.gather()
}

// gather collects what the library says until it wants the next read, or is done.
func (s *stream) gather() ([]object, error) {
	events := []object{}
	for {
		select {
		case <-s.body.wanted:
			return events, nil
		case o := <-s.outcomes:
			switch {
			case !o.last:
				s.start += prefix + len(o.payload)
				value := object{"flag": 0, "payload": show(o.payload)}
				events = append(events, object{"event": "message", "value": value})
				continue
			case o.err == nil:
				events = append(events, object{"event": "end"})
			default:
				failure, err := refused(o.err, s.position(o.err), true)
				if err != nil {
					return nil, err
				}
				events = append(events, failure)
			}
			s.over = true
			return events, nil
		}
	}
}

// position is the offset that an error of this kind has.
func (s *stream) position(err error) int {
	class, _ := classOf(err)
	switch class {
	case "eof.in-prefix", "eof.in-body":
		return s.fed
	case "oversize.declared":
		return s.start + prefix
	}
	return s.start + 1
}

// classOf tells the library's errors apart: one code for the limit, and one for all else, where the text tells.
func classOf(err error) (string, bool) {
	if connect.CodeOf(err) == connect.CodeResourceExhausted {
		return "oversize.declared", true
	}
	for text, class := range map[string]string{
		"incomplete envelope":      "eof.in-prefix",
		"in enveloped message":     "eof.in-body",
		"without compression":      "codec.unsupported",
		"invalid envelope flags":   "flags.reserved",
		"extra bytes after end of": "flags.reserved",
	} {
		if strings.Contains(err.Error(), text) {
			return class, true
		}
	}
	return "", false
}

func refused(err error, at int, fatal bool) (object, error) {
	class, known := classOf(err)
	if !known {
		return nil, errors.New("an error that the adapter cannot name: " + err.Error())
	}
	text := err.Error()
	return object{"event": "error", "class": class, "at": strconv.Itoa(at), "fatal": fatal, "text": text}, nil
}
