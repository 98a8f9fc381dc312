// connect-go's envelope reader and writer behind level 1 of the IUT protocol (spec/iut-protocol.md). Neither is exported: the
// reader is reached as a gRPC handler that is given a request body of this program's, the writer as a client whose HTTPClient
// is this program. There is no HTTP/2 and no socket between them.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"net"
	"os"
)

func serve(in io.Reader, out io.Writer) error {
	send := json.NewEncoder(out)
	declared := object{"grpc-lpm": object{"roles": []string{"decode", "encode"}, "max_frame_length": maxFrame.String()}}
	err := send.Encode(object{
		"op": "hello", "protocol": 1, "token": os.Getenv("TENSORWIRE_TOKEN"), "profiles": declared,
		"iut":          object{"name": "connectrpc.com/connect", "version": libraryVersion(), "language": "go"},
		"capabilities": []string{}, "error_granularity": "class",
	})
	for requests := json.NewDecoder(bufio.NewReader(in)); err == nil; {
		var r request
		if err = requests.Decode(&r); err == nil && r.Op == "bye" {
			return nil
		}
		if err == nil && r.Op != "welcome" {
			err = send.Encode(answer(r))
		}
	}
	return err
}

func main() {
	link, err := net.Dial("tcp", os.Getenv("TENSORWIRE_ADDR"))
	if err == nil {
		err = serve(link, link)
	}
	if err != nil {
		log.Fatal(err)
	}
}
