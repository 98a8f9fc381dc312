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

// TpMessage is a header and, for Infer alone, the manifest and the tensors.
type TpMessage struct {
	Header   Header
	Manifest *Manifest
	Tensors  []Record
}

// TpParser reads the messages of a TP connection. It judges layout and manifests, not the order of ids.
func TpParser(limits TpLimits) Parser[TpMessage] {
	parse := MultipartParser(false, limits.Frame, limits.Parts)
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
		records, taken, err := parse(data[headerSize:])
		if refused, ok := err.(*Error); ok {
			return message, 0, &Error{refused.Class, headerSize + refused.At}
		}
		if err != nil {
			return message, 0, err
		}
		taken += headerSize
		if class := message.open(records, limits); class != "" {
			return message, 0, &Error{class, uint64(taken)} // judged when the frame is whole
		}
		return message, taken, nil
	}
}

// open reads the records of an INFER frame; it returns the class of a refusal.
func (m *TpMessage) open(records []Record, limits TpLimits) (class string) {
	body := records[0].Data
	if uint64(len(body)) > limits.Manifest {
		return "oversize.declared"
	}
	var err error
	if m.Manifest, err = DecodeManifest(body); err == nil {
		m.Tensors = records[1:]
		err = Judge(m.Manifest, m.Tensors, limits)
	}
	if refused, ok := err.(*Error); ok {
		return refused.Class
	}
	return ""
}

// AppendTp appends a message to dst, its tensors in the order of the wire. What it refuses it does not append.
func AppendTp(dst []byte, message TpMessage, limits TpLimits) ([]byte, error) {
	h, infer := message.Header, message.Header.Action == Infer
	if h.Action < Noop || h.Action > Shutdown || infer != (message.Manifest != nil) || (!infer && len(message.Tensors) > 0) {
		return dst, &Error{Class: "header.field"}
	}
	whole := dst
	for _, field := range []int64{h.CallID, h.ChunkIndex, h.ControlEpoch, h.CacheEpoch, int64(h.Action)} {
		whole = binary.LittleEndian.AppendUint64(whole, uint64(field))
	}
	if !infer {
		return whole, nil
	}
	manifest := *message.Manifest
	specs, tensors := sorted(manifest.Specs, message.Tensors)
	manifest.Specs = specs
	if manifest.Version != 1 {
		return dst, &Error{Class: "version"}
	}
	if err := Judge(&manifest, tensors, limits); err != nil {
		return dst, err
	}
	body, err := AppendManifest(nil, &manifest)
	if err == nil && uint64(len(body)) > limits.Manifest {
		err = &Error{Class: "oversize.declared"}
	}
	if err == nil {
		whole, err = AppendMultipart(whole, append([]Record{{Data: body}}, tensors...), false, limits.Frame)
	}
	if err != nil {
		return dst, err
	}
	return whole, nil
}
