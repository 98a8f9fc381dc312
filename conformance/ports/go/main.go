// The Go port's shim: it speaks the IUT protocol (spec/iut-protocol.md, level 1) for the codecs in wire/.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"slices"
	"strconv"

	"tensorwire/port/wire"
)

type object = map[string]any

type request struct {
	Op, Profile, Role string
	Seq               int64
	Limits            map[string]string
	Steps             []map[string]json.RawMessage
}

func runCase(r request) ([][]any, error) {
	codec, err := newCodec(r)
	if err != nil {
		return nil, err
	}
	stream, told, lists := codec.open(), false, [][]any{}
	for _, step := range r.Steps {
		events, err := []any{}, error(declined("step")) // of a step without a key, too
		for kind, value := range step {
			if len(step) != 1 || !slices.Contains(stepsOf[r.Role], kind) {
				return nil, declined("step")
			}
			switch kind {
			case "reset":
				stream, told, err = codec.open(), false, nil
			case "eof":
				events, err = stream.End()
			case "encode":
				events, err = codec.encode(value)
			default: // one feed is one read
				events, err = stream.Feed(kind, value)
			}
		}
		var refused *wire.Error
		if err != nil && !errors.As(err, &refused) {
			return nil, err
		}
		if err != nil && !told { // an error of the stream is told once
			told = r.Role == "decode"
			at := strconv.FormatUint(refused.At, 10)
			events = append(events, object{"event": "error", "class": refused.Class, "at": at, "fatal": told})
		}
		lists = append(lists, append([]any{}, events...)) // never null
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
	send := json.NewEncoder(out)
	send.Encode(hello(os.Getenv("TENSORWIRE_TOKEN")))
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
	} else if link, err := net.Dial("tcp", os.Getenv("TENSORWIRE_ADDR")); err != nil {
		log.Fatal(err)
	} else {
		serve(link, link)
	}
}
