package wire

import (
	"encoding/binary"

	"google.golang.org/protobuf/proto"

	"tensorwire/port/pb/tensor"
)

// Action decides what follows a header.
type Action int64

// The actions.
const (
	Noop Action = iota
	Infer
	Shutdown
)

// Header of a TP message or a PP request: five int64, little-endian.
type Header struct {
	CallID, ChunkIndex, ControlEpoch, CacheEpoch int64
	Action                                       Action
}

const headerSize = 40

// Body is a TPManifest, a PPEnvelopeV1 or a PPResultV1.
type Body interface {
	proto.Message
	GetTensorSpecs() []*tensor.TensorSpec
}

// Call is a TP message, a PP request or a PP result. Body and tensors come with Infer alone; a result has no header.
type Call struct {
	Header  Header
	Body    Body
	Tensors []Record
	// Duplicate is set by a session: the message was read to its end, and must not be delivered.
	Duplicate bool
}

// CallLimits are the limits of spec/tp-control.md.
type CallLimits struct {
	Frame, Parts, Manifest, Tensors, Rank, Tensor uint64
}

// CallParser reads TP messages or PP requests, whose bodies are of the kind given. It judges no order of ids.
func CallParser(kind Body, limits CallLimits) Parser[Call] {
	parse := MultipartParser(false, limits.Frame, limits.Parts)
	return func(data []byte) (call Call, taken int, err error) {
		if len(data) < headerSize {
			return call, 0, short("eof.in-header")
		}
		h := parseHeader(data)
		if h.Action < Noop || h.Action > Shutdown {
			return call, 0, &Error{"header.field", headerSize}
		}
		if h.Action != Infer {
			return Call{Header: h}, headerSize, nil
		}
		records, taken, err := parse(data[headerSize:])
		if err != nil {
			return call, 0, behindHeader(err)
		}
		return open(&h, kind, records, limits, headerSize+taken)
	}
}

// behindHeader makes an error of a frame one of the message that the frame is in.
func behindHeader(err error) error {
	if refused, ok := err.(*Error); ok {
		return &Error{refused.Class, headerSize + refused.At}
	}
	return err
}

// ResultParser reads PP results: a frame without a header.
func ResultParser(kind Body, limits CallLimits) Parser[Call] {
	parse := MultipartParser(false, limits.Frame, limits.Parts)
	return func(data []byte) (Call, int, error) {
		records, taken, err := parse(data)
		if err != nil {
			return Call{}, 0, err
		}
		return open(nil, kind, records, limits, taken)
	}
}

func parseHeader(data []byte) (h Header) {
	for i, field := range []*int64{&h.CallID, &h.ChunkIndex, &h.ControlEpoch, &h.CacheEpoch, (*int64)(&h.Action)} {
		*field = int64(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return h
}

// open judges the records of a frame, now that it is whole.
func open(h *Header, kind Body, records []Record, limits CallLimits, end int) (Call, int, error) {
	call := Call{Tensors: records[1:]}
	body, class := parseBody(kind, records[0].Data, limits)
	if class == "" {
		call.Body, class = body, judge(h, body, sizes(call.Tensors), limits)
	}
	if class != "" {
		return Call{}, 0, &Error{class, uint64(end)}
	}
	if h != nil {
		call.Header = *h
	}
	return call, end, nil
}

// parseBody returns the class of a refusal. The version is field 1 of every version, and is judged before all else.
func parseBody(kind Body, data []byte, limits CallLimits) (Body, string) {
	if uint64(len(data)) > limits.Manifest {
		return nil, "oversize.declared"
	}
	var versioned tensor.Versioned
	if proto.Unmarshal(data, &versioned) != nil {
		return nil, "header.length"
	}
	if versioned.Version != 1 {
		return nil, "version"
	}
	body := kind.ProtoReflect().New().Interface().(Body)
	if proto.Unmarshal(data, body) != nil {
		return nil, "header.length"
	}
	return body, ""
}

func sizes(tensors []Record) (sizes []uint64) {
	for _, tensor := range tensors {
		sizes = append(sizes, uint64(len(tensor.Data)))
	}
	return sizes
}

// Prepared is a message that was judged and serialised, but for the bytes of its tensors.
type Prepared struct {
	header []byte
	body   []byte
	limits CallLimits
}

// PrepareCall judges a message as its receiver will, and the frame's length; `lengths` are those of the tensors. Header
// is nil for a result.
func PrepareCall(h *Header, body Body, lengths []uint64, limits CallLimits) (p Prepared, err error) {
	p.limits = limits
	if h != nil {
		if h.Action < Noop || h.Action > Shutdown || (h.Action == Infer) != (body != nil) || (body == nil && len(lengths) > 0) {
			return p, &Error{Class: "header.field"}
		}
		for _, field := range []int64{h.CallID, h.ChunkIndex, h.ControlEpoch, h.CacheEpoch, int64(h.Action)} {
			p.header = binary.LittleEndian.AppendUint64(p.header, uint64(field))
		}
	}
	if body == nil {
		return p, nil
	}
	if class := judge(h, body, lengths, limits); class != "" {
		return p, &Error{Class: class}
	}
	if p.body, err = (proto.MarshalOptions{Deterministic: true}).Marshal(body); err != nil {
		return p, &Error{Class: "header.field"} // a string is not UTF-8
	}
	total := 8 + uint64(len(p.body))
	for _, length := range lengths {
		total += 8 + length
	}
	if uint64(len(p.body)) > limits.Manifest || total > limits.Frame {
		return p, &Error{Class: "oversize.declared"}
	}
	return p, nil
}

// Append appends the message with its tensors. Their lengths are those that were prepared.
func (p Prepared) Append(dst []byte, tensors []Record) ([]byte, error) {
	dst = append(dst, p.header...)
	if p.body == nil {
		return dst, nil
	}
	return AppendMultipart(dst, append([]Record{{Data: p.body}}, tensors...), false, p.limits.Frame)
}
