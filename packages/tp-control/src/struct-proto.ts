/**
 * `google/protobuf/struct.proto` with its one map written as what a map is on the wire: a list of entries. So the order of
 * the entries is ours to choose (r[tp.encode.canonical]; objects put keys like "2" first), and no key is special to
 * JavaScript.
 */
export const STRUCT_PROTO = `
syntax = "proto3";
package google.protobuf;

message Struct {
  message Entry {
    string key = 1;
    Value value = 2;
  }
  repeated Entry fields = 1;
}

message Value {
  oneof kind {
    NullValue null_value = 1;
    double number_value = 2;
    string string_value = 3;
    bool bool_value = 4;
    Struct struct_value = 5;
    ListValue list_value = 6;
  }
}

message ListValue {
  repeated Value values = 1;
}

enum NullValue {
  NULL_VALUE = 0;
}
`;
