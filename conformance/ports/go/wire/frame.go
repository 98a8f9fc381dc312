package wire

import (
	"bytes"
	"encoding/binary"
)

// Frame is a payload with what stands before its length: the tag of len56-tagged, the flag of grpc-lpm, else 0.
type Frame struct {
	Lead    int
	Payload []byte
}

type prefix struct{ lead, length int } // bytes

var prefixes = map[string]prefix{
	"len32":        {0, 4},
	"len64":        {0, 8},
	"len56-tagged": {1, 7},
	"grpc-lpm":     {1, 4},
}

// IsFrameProfile tells the prefix profiles from the others.
func IsFrameProfile(profile string) bool { return prefixes[profile].length > 0 }

// FrameParser reads frames of a prefix profile whose payload is at most limit bytes.
func FrameParser(profile string, limit uint64) Parser[Frame] {
	p := prefixes[profile]
	size := p.lead + p.length
	return func(data []byte) (frame Frame, taken int, err error) {
		if p.lead > 0 && len(data) > 0 {
			frame.Lead = int(data[0])
		}
		if err := checkLead(profile, frame.Lead); err != nil { // before the length: its own byte is enough
			return frame, 0, &Error{err.Class, 1}
		}
		if len(data) < size {
			return frame, 0, short("eof.in-prefix")
		}
		length := bigEndian(data[p.lead:size])
		if length > limit {
			return frame, 0, &Error{"oversize.declared", uint64(size)}
		}
		if uint64(len(data)-size) < length {
			return frame, 0, short("eof.in-body")
		}
		taken = size + int(length)
		frame.Payload = bytes.Clone(data[size:taken])
		return frame, taken, nil
	}
}

// AppendFrame appends the frame to dst. What it refuses it does not append.
func AppendFrame(dst []byte, profile string, frame Frame, limit uint64) ([]byte, error) {
	p := prefixes[profile]
	if err := checkLead(profile, frame.Lead); err != nil {
		return dst, err
	}
	length := uint64(len(frame.Payload))
	if length > limit || length>>(8*p.length) > 0 {
		return dst, &Error{Class: "oversize.declared"}
	}
	if p.lead > 0 {
		dst = append(dst, byte(frame.Lead))
	}
	word := binary.BigEndian.AppendUint64(nil, length)
	dst = append(dst, word[8-p.length:]...)
	return append(dst, frame.Payload...), nil
}

func checkLead(profile string, lead int) *Error {
	switch {
	case profile == "grpc-lpm" && lead == 1:
		return &Error{Class: "codec.unsupported"}
	case profile == "grpc-lpm" && lead != 0:
		return &Error{Class: "flags.reserved"}
	case lead < 0 || lead >= 1<<(8*prefixes[profile].lead):
		return &Error{Class: "header.field"}
	}
	return nil
}

func bigEndian(data []byte) (value uint64) {
	for _, b := range data {
		value = value<<8 | uint64(b)
	}
	return value
}
