package wire

import (
	"encoding/binary"
	"math"
	"slices"
)

// google.protobuf.Struct, with Go's own values: nil, float64, string, bool, map[string]any and []any.

const maxDepth = 64

func decodeStruct(data []byte, into map[string]any, depth int) error {
	return fields(data, func(f protoField) error {
		if f.id != 1 || f.kind != lengthDelimited {
			return nil
		}
		name, value := "", []byte{}
		err := fields(f.data, func(f protoField) (err error) {
			switch {
			case f.id == 1 && f.kind == lengthDelimited:
				name, err = f.text()
			case f.id == 2 && f.kind == lengthDelimited:
				value = append(value, f.data...) // a message that stands twice is merged
			}
			return err
		})
		if err != nil {
			return err
		}
		into[name], err = decodeValue(value, depth)
		return err
	})
}

func decodeValue(data []byte, depth int) (value any, err error) {
	if depth > maxDepth {
		return nil, errNotMessage
	}
	kind := uint64(0)
	err = fields(data, func(f protoField) (err error) {
		if f.id > 6 || f.kind != []byte{0, varint, fixed64, lengthDelimited, varint, lengthDelimited, lengthDelimited}[f.id] {
			return nil
		}
		switch f.id {
		case 1:
			value = nil
		case 2:
			number := math.Float64frombits(f.number)
			if math.IsNaN(number) || math.IsInf(number, 0) {
				err = errNotMessage
			}
			value = number
		case 3:
			value, err = f.text()
		case 4:
			value = f.number != 0
		case 5:
			object, again := value.(map[string]any)
			if !again {
				object = map[string]any{}
			}
			err = decodeStruct(f.data, object, depth+1)
			value = object
		case 6:
			list, again := value.([]any)
			if !again {
				list = []any{}
			}
			err = fields(f.data, func(f protoField) error {
				if f.id != 1 || f.kind != lengthDelimited {
					return nil
				}
				item, err := decodeValue(f.data, depth+1)
				list = append(list, item)
				return err
			})
			value = list
		}
		kind = f.id
		return err
	})
	if err == nil && kind == 0 {
		err = errNotMessage
	}
	return value, err
}

// appendStruct refuses what a Struct would change.
func appendStruct(out []byte, object map[string]any) ([]byte, error) {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names) // by their bytes
	for _, name := range names {
		value, err := appendValue(nil, object[name])
		if err != nil {
			return out, err
		}
		entry := appendPresent(appendPresent(nil, 1, []byte(name)), 2, value)
		out = appendPresent(out, 1, entry)
	}
	return out, nil
}

func appendValue(out []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(appendKey(out, 1, varint), 0), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) || (v == math.Trunc(v) && math.Abs(v) > 1<<53-1) {
			return out, &Error{Class: "header.field"}
		}
		return binary.LittleEndian.AppendUint64(appendKey(out, 2, fixed64), math.Float64bits(v)), nil
	case string:
		return appendPresent(out, 3, []byte(v)), nil
	case bool:
		bit := byte(0)
		if v {
			bit = 1
		}
		return append(appendKey(out, 4, varint), bit), nil
	case map[string]any:
		data, err := appendStruct(nil, v)
		return appendPresent(out, 5, data), err
	case []any:
		var data []byte
		for _, item := range v {
			inner, err := appendValue(nil, item)
			if err != nil {
				return out, err
			}
			data = appendPresent(data, 1, inner)
		}
		return appendPresent(out, 6, data), nil
	}
	return out, &Error{Class: "spec.mismatch"}
}
