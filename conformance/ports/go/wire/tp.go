package wire

import "encoding/binary"

// Action decides what follows a TP header.
type Action int64

// The actions.
const (
	Noop Action = iota
	Infer
	Shutdown
)

// Header of a TP message: five int64, little-endian.
type Header struct {
	CallID, ChunkIndex, ControlEpoch, CacheEpoch int64
	Action                                       Action
}

const headerSize = 40

// TpMessage is a header and, for Infer alone, the manifest (still serialised) and the tensors.
type TpMessage struct {
	Header  Header
	Records []Record
}

// TpParser reads the messages of a TP connection. It judges layout, not the order of ids, and reads no manifest.
func TpParser(limit, maxParts uint64) Parser[TpMessage] {
	parse := MultipartParser(false, limit, maxParts)
	return func(data []byte) (message TpMessage, taken int, err error) {
		if len(data) < headerSize {
			return message, 0, short("eof.in-header")
		}
		h := &message.Header
		for i, field := range []*int64{&h.CallID, &h.ChunkIndex, &h.ControlEpoch, &h.CacheEpoch, (*int64)(&h.Action)} {
			*field = int64(binary.LittleEndian.Uint64(data[8*i:]))
		}
		if h.Action < Noop || h.Action > Shutdown {
			return message, 0, &Error{"header.field", headerSize}
		}
		if h.Action != Infer {
			return message, headerSize, nil
		}
		message.Records, taken, err = parse(data[headerSize:])
		if refused, ok := err.(*Error); ok {
			err = &Error{refused.Class, headerSize + refused.At}
		}
		return message, headerSize + taken, err
	}
}

// AppendTp appends a message to dst. What it refuses it does not append.
func AppendTp(dst []byte, message TpMessage, limit uint64) ([]byte, error) {
	h := message.Header
	if h.Action < Noop || h.Action > Shutdown || (h.Action == Infer) != (len(message.Records) > 0) {
		return dst, &Error{Class: "header.field"}
	}
	head := dst
	for _, field := range []int64{h.CallID, h.ChunkIndex, h.ControlEpoch, h.CacheEpoch, int64(h.Action)} {
		head = binary.LittleEndian.AppendUint64(head, uint64(field))
	}
	if h.Action != Infer {
		return head, nil
	}
	whole, err := AppendMultipart(head, message.Records, false, limit)
	if err != nil {
		return dst, err
	}
	return whole, nil
}
