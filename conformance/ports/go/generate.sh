#!/bin/sh
# Compiles spec/proto into pb/. Needs protoc on PATH, or in PROTOC; ../python/setup_full.py brings one:
#   PROTOC="../python/.venv/bin/python -m grpc_tools.protoc" ./generate.sh
set -eu
cd "$(dirname "$0")"
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
GOBIN="$tools" go install google.golang.org/protobuf/cmd/protoc-gen-go
${PROTOC:-protoc} --plugin="$tools/protoc-gen-go" -I../../../spec/proto --go_out=. --go_opt=module=tensorwire/port \
  --go_opt=Mtensor.proto=tensorwire/port/pb/tensor \
  --go_opt=Mtp_control.proto=tensorwire/port/pb/tp \
  --go_opt=Mpp_contract.proto=tensorwire/port/pb/pp \
  tensor.proto tp_control.proto pp_contract.proto
