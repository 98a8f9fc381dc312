package wire

import (
	"math"

	"tensorwire/port/pb/pp"
	"tensorwire/port/pb/tp"
)

// session keeps the order of ids and epochs on one connection.
type session struct {
	parse       Parser[Call]
	frame       Parser[Frame]
	last, infer *Header // of the message before, and of the last INFER
}

// SessionParser reads the messages of one connection, and only of that one. A duplicate is marked as such.
func SessionParser(kind Body, limits CallLimits) Parser[Call] {
	s := &session{parse: CallParser(kind, limits), frame: FrameParser("len64", limits.Frame)}
	return s.next
}

func (s *session) next(data []byte) (Call, int, error) {
	if s.last != nil && s.last.Action == Shutdown {
		return Call{}, 0, &Error{"state", 1}
	}
	if len(data) >= headerSize {
		h := parseHeader(data)
		known := h.Action >= Noop && h.Action <= Shutdown // CallParser refuses the others
		if known && s.last != nil && s.last.CallID == h.CallID {
			return s.drop(h, data)
		}
		if known && !s.inOrder(h) {
			return Call{}, 0, &Error{"sequence", headerSize}
		}
	}
	call, taken, err := s.parse(data)
	if err != nil {
		return call, 0, err
	}
	if call.Body != nil {
		fresh := s.infer == nil || call.Header.CacheEpoch > s.infer.CacheEpoch
		if init, judged := initCache(call.Body); judged && init != fresh {
			return Call{}, 0, &Error{"sequence", uint64(taken)}
		}
		s.infer = &call.Header
	}
	s.last = &call.Header
	return call, taken, nil
}

// drop reads a duplicate to its end. It is one by its id alone: what its frame holds is not looked at.
func (s *session) drop(h Header, data []byte) (Call, int, error) {
	taken := headerSize
	if h.Action == Infer {
		_, size, err := s.frame(data[headerSize:])
		if err != nil {
			return Call{}, 0, behindHeader(err)
		}
		taken += size
	}
	return Call{Duplicate: true}, taken, nil
}

func (s *session) inOrder(h Header) bool {
	if h.CallID < 1 || h.ControlEpoch < 0 || h.CacheEpoch < 0 {
		return false
	}
	if last := s.last; last != nil {
		if h.CallID <= last.CallID || last.ControlEpoch == math.MaxInt64 || h.ControlEpoch != last.ControlEpoch+1 {
			return false
		}
		if h.CacheEpoch != last.CacheEpoch && (last.CacheEpoch == math.MaxInt64 || h.CacheEpoch != last.CacheEpoch+1) {
			return false
		}
	}
	if h.Action == Infer {
		floor := int64(0)
		if s.infer != nil && s.infer.CacheEpoch == h.CacheEpoch {
			floor = s.infer.ChunkIndex
		}
		if h.ChunkIndex < floor {
			return false
		}
	}
	return true
}

// initCache is the step's, if the message has one.
func initCache(body Body) (init, judged bool) {
	switch b := body.(type) {
	case *tp.TPManifest:
		return b.Video.GetInitCache(), b.Video != nil
	case *pp.PPEnvelopeV1:
		if b.GetLm() != nil {
			return b.GetLm().InitCache, true
		}
		return b.GetVideo().GetInitCache(), true
	}
	return false, false
}
