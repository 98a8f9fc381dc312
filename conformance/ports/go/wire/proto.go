package wire

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf8"
)

// The little of protobuf that a manifest needs.

var errNotMessage = errors.New("not the protobuf message")

// protoField is one field of a message: number holds a varint or a fixed number, data the rest.
type protoField struct {
	id     uint64
	kind   byte // varint, fixed64, bytes, fixed32
	number uint64
	data   []byte
}

const (
	varint byte = iota
	fixed64
	lengthDelimited
	startGroup
	endGroup
	fixed32
)

// fields calls visit for each field of a message, in the order of the bytes. Groups are skipped.
func fields(data []byte, visit func(f protoField) error) error {
	var groups []uint64 // the open ones
	for len(data) > 0 {
		key, n := binary.Uvarint(data)
		if n <= 0 || key>>3 == 0 || key>>3 >= 1<<29 {
			return errNotMessage
		}
		data = data[n:]
		f := protoField{id: key >> 3, kind: byte(key & 7)}
		size := 0
		switch f.kind {
		case varint:
			if f.number, size = binary.Uvarint(data); size <= 0 {
				return errNotMessage
			}
		case fixed64, fixed32:
			size = map[byte]int{fixed64: 8, fixed32: 4}[f.kind]
			if size > len(data) {
				return errNotMessage
			}
			if f.kind == fixed64 {
				f.number = binary.LittleEndian.Uint64(data)
			}
		case lengthDelimited:
			length, n := binary.Uvarint(data)
			if n <= 0 || length > uint64(len(data)-n) {
				return errNotMessage
			}
			size = n + int(length)
			f.data = data[n:size]
		case startGroup:
			groups = append(groups, f.id)
		case endGroup:
			if len(groups) == 0 || groups[len(groups)-1] != f.id {
				return errNotMessage
			}
			groups = groups[:len(groups)-1]
		default:
			return errNotMessage
		}
		data = data[size:]
		if len(groups) == 0 && f.kind != endGroup {
			if err := visit(f); err != nil {
				return err
			}
		}
	}
	if len(groups) > 0 {
		return errNotMessage
	}
	return nil
}

func (f protoField) text() (string, error) {
	if !utf8.Valid(f.data) {
		return "", errNotMessage
	}
	return string(f.data), nil
}

// The writers leave a field with its default value out.

func appendKey(out []byte, id uint64, kind byte) []byte {
	return binary.AppendUvarint(out, id<<3|uint64(kind))
}

func appendNumber(out []byte, id, value uint64) []byte {
	if value == 0 {
		return out
	}
	return binary.AppendUvarint(appendKey(out, id, varint), value)
}

func appendBool(out []byte, id uint64, value bool) []byte {
	if value {
		return appendNumber(out, id, 1)
	}
	return out
}

func appendDouble(out []byte, id uint64, value float64) []byte {
	if math.Float64bits(value) == 0 {
		return out
	}
	return binary.LittleEndian.AppendUint64(appendKey(out, id, fixed64), math.Float64bits(value))
}

// appendPresent writes the field even when it is empty, as appendData does not.
func appendPresent(out []byte, id uint64, data []byte) []byte {
	out = binary.AppendUvarint(appendKey(out, id, lengthDelimited), uint64(len(data)))
	return append(out, data...)
}

func appendData(out []byte, id uint64, data []byte) []byte {
	if len(data) == 0 {
		return out
	}
	return appendPresent(out, id, data)
}
