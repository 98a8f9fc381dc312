// Package wire cuts byte streams into messages, as in spec/framing.md and spec/tp-control.md. It does no I/O.
package wire

import "fmt"

// Error is a refusal. Class is an error class of spec/iut-protocol.md; At is the number of bytes of the stream
// that had to be read to decide, 0 for a refused encode.
type Error struct {
	Class string
	At    uint64
}

func (e *Error) Error() string { return fmt.Sprintf("%s at %d", e.Class, e.At) }

// short says that a message needs more bytes, and what the error is if the stream ends first.
type short string

func (s short) Error() string { return "short of bytes: " + string(s) }

// A Parser reads one message from the front of data, and says how many bytes it took. It returns a short, or an
// *Error with an offset into data.
type Parser[M any] func(data []byte) (message M, size int, err error)

// A Decoder cuts the stream of one connection into messages. The first error ends it for good.
type Decoder[M any] struct {
	parse Parser[M]
	buf   []byte // the message that is not whole yet: never more than what arrived
	base  uint64 // offset of buf[0] in the stream
	eof   short
	err   *Error
}

func NewDecoder[M any](parse Parser[M]) *Decoder[M] { return &Decoder[M]{parse: parse} }

// Feed returns the messages that chunk completed, also when it returns an error. It keeps no reference to chunk.
func (d *Decoder[M]) Feed(chunk []byte) (messages []M, err error) {
	if d.err != nil {
		return nil, d.err
	}
	d.buf = append(d.buf, chunk...)
	taken := 0
	for taken < len(d.buf) && err == nil {
		var message M
		var size int
		if message, size, err = d.parse(d.buf[taken:]); err == nil {
			messages = append(messages, message)
			taken += size
		}
	}
	switch e := err.(type) {
	case short:
		d.eof, err = e, nil
	case *Error:
		d.err = &Error{e.Class, d.base + uint64(taken) + e.At}
		d.buf, err = nil, d.err
		return messages, err
	}
	if taken > 0 { // once for each chunk, not for each message: linear in the bytes
		d.buf = append(d.buf[:0], d.buf[taken:]...)
		d.base += uint64(taken)
	}
	return messages, err
}

// End is nil if the stream ended cleanly, between two messages.
func (d *Decoder[M]) End() error {
	if d.err == nil && len(d.buf) > 0 {
		d.err = &Error{string(d.eof), d.base + uint64(len(d.buf))}
	}
	if d.err != nil {
		return d.err
	}
	return nil
}
