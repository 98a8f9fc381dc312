// The Go port's shim: it speaks the IUT protocol (spec/iut-protocol.md, level 1) for the codecs in wire/.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
)

type request struct {
	Op, Profile, Role string
	Seq               int64
	Limits            map[string]string
	Steps             []map[string]json.RawMessage
}

func runCase(r request) (lists [][]any, err error) {
	if r.Op != "case" {
		return nil, declined("operation")
	}
	if !slices.Contains(profiles, r.Profile) {
		return nil, declined("profile")
	}
	if stepsOf[r.Role] == nil {
		return nil, declined("role")
	}
	limits := maps.Clone(defaults)
	for name, text := range r.Limits {
		value, err := strconv.ParseUint(text, 10, 64)
		if _, known := limits[name]; !known || err != nil {
			return nil, declined("limit")
		}
		limits[name] = value
	}
	codec := newCodec(r.Profile, limits)
	s := session{codec: codec, stream: codec.open()}
	lists = [][]any{}
	for _, step := range r.Steps {
		events, err := s.do(r.Role, step)
		if err != nil {
			return nil, err
		}
		lists = append(lists, events)
	}
	return lists, nil
}

func answer(r request) object {
	lists, err := runCase(r)
	var reason declined
	switch {
	case errors.As(err, &reason):
		return object{"op": "declined", "seq": r.Seq, "reason": string(reason)}
	case err != nil:
		return object{"op": "errored", "seq": r.Seq, "text": err.Error()}
	}
	return object{"op": "result", "seq": r.Seq, "steps": lists}
}

func serve(in io.Reader, out io.Writer) {
	declared := object{}
	for _, name := range profiles {
		declared[name] = object{"roles": []string{"decode", "encode"}, "max_frame_length": strconv.FormatUint(maxFrame, 10)}
	}
	send := json.NewEncoder(out)
	send.Encode(object{
		"op": "hello", "protocol": 1, "token": os.Getenv("TENSORWIRE_TOKEN"), "profiles": declared,
		"iut":          object{"name": "tensorwire-go", "version": "1", "language": "go"},
		"capabilities": []string{}, "error_granularity": "class",
	})
	for requests := json.NewDecoder(in); ; {
		var r request
		if requests.Decode(&r) != nil || r.Op == "bye" {
			return
		}
		if r.Op != "welcome" {
			send.Encode(answer(r))
		}
	}
}

func main() {
	if slices.Contains(os.Args, "--stdio") {
		serve(os.Stdin, os.Stdout)
		return
	}
	link, err := net.Dial("tcp", os.Getenv("TENSORWIRE_ADDR"))
	if err != nil {
		log.Fatal(err)
	}
	serve(link, link)
}
