package wire

import "encoding/binary"

// Record is the body or a part of a multipart message.
type Record struct {
	Data     []byte
	Typed    bool
	Typehash uint64 // of a typed record
}

const typedBit = 1 << 63

// NoLimit on the number of parts.
const NoLimit = ^uint64(0)

// MultipartParser reads len64 frames that hold records: the body, then the parts.
func MultipartParser(typed bool, limit, maxParts uint64) Parser[[]Record] {
	parse := FrameParser("len64", limit)
	return func(data []byte) ([]Record, int, error) {
		frame, taken, err := parse(data)
		if err != nil {
			return nil, 0, err
		}
		records, class := split(frame.Payload, typed, maxParts)
		if class != "" {
			return nil, 0, &Error{class, uint64(taken)} // judged when the frame is whole
		}
		return records, taken, nil
	}
}

func split(rest []byte, typed bool, maxParts uint64) (records []Record, class string) {
	for first := true; first || len(rest) > 0; first = false {
		if uint64(len(records)) > maxParts {
			return nil, "oversize.declared"
		}
		if len(rest) < 8 {
			return nil, "eof.in-prefix"
		}
		var record Record
		length := binary.BigEndian.Uint64(rest)
		rest = rest[8:]
		if typed && length&typedBit != 0 {
			if len(rest) < 8 {
				return nil, "eof.in-header"
			}
			length ^= typedBit
			record.Typed, record.Typehash = true, binary.BigEndian.Uint64(rest)
			rest = rest[8:]
		}
		if length > uint64(len(rest)) {
			return nil, "eof.in-body"
		}
		record.Data, rest = rest[:length:length], rest[length:]
		records = append(records, record)
	}
	return records, ""
}

// AppendMultipart appends one len64 frame with the body and the parts. What it refuses it does not append.
func AppendMultipart(dst []byte, records []Record, typed bool, limit uint64) ([]byte, error) {
	var payload []byte
	for _, record := range records {
		length := uint64(len(record.Data))
		switch {
		case !record.Typed:
			payload = binary.BigEndian.AppendUint64(payload, length)
		case typed:
			payload = binary.BigEndian.AppendUint64(payload, length|typedBit)
			payload = binary.BigEndian.AppendUint64(payload, record.Typehash)
		default:
			return dst, &Error{Class: "header.field"}
		}
		payload = append(payload, record.Data...)
	}
	return AppendFrame(dst, "len64", Frame{Payload: payload}, limit)
}
