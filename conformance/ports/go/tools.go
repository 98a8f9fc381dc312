//go:build tools

package main

// What generate.sh runs, at the version of go.mod.
import _ "google.golang.org/protobuf/cmd/protoc-gen-go"
