package wire

import (
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"testing"

	"tensorwire/port/pb/pp"
	"tensorwire/port/pb/tensor"
	"tensorwire/port/pb/tp"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// feed gives what reads of a stream come to: messages, and the error of the reads or of the end.
func feed[M any](decoder *Decoder[M], reads ...[]byte) (messages []M, err error) {
	for _, read := range reads {
		var more []M
		if more, err = decoder.Feed(read); err != nil {
			return append(messages, more...), err
		}
		messages = append(messages, more...)
	}
	return messages, decoder.End()
}

func wantError(t *testing.T, err error, class string, at uint64) {
	t.Helper()
	var refused *Error
	if !errors.As(err, &refused) || *refused != (Error{class, at}) {
		t.Errorf("expected %s at %d, got %v", class, at, err)
	}
}

func TestEveryCut(t *testing.T) {
	streams := map[string]string{
		"len32":        "0000000568656c6c6f" + "00000000" + "0000000121",
		"len64":        "000000000000000568656c6c6f" + "0000000000000000" + "000000000000000121",
		"len56-tagged": "010000000000000568656c6c6f" + "ff00000000000000" + "000000000000000121",
		"grpc-lpm":     "000000000568656c6c6f" + "0000000000" + "000000000121",
	}
	for profile, text := range streams {
		stream := unhex(t, text)
		prefix := prefixes[profile].lead + prefixes[profile].length
		for cut := range len(stream) + 1 {
			frames, err := feed(NewDecoder(FrameParser(profile, 1024)), stream[:cut], nil, stream[cut:])
			if err != nil || len(frames) != 3 || string(frames[0].Payload) != "hello" || string(frames[2].Payload) != "!" {
				t.Errorf("%s cut at %d: %v, %v", profile, cut, frames, err)
			}
		}
		for cut := 1; cut < prefix+5; cut++ {
			class := map[bool]string{true: "eof.in-prefix", false: "eof.in-body"}[cut < prefix]
			_, err := feed(NewDecoder(FrameParser(profile, 1024)), stream[:cut])
			wantError(t, err, class, uint64(cut))
		}
	}
}

func TestLimit(t *testing.T) {
	for _, length := range []string{"0000000000000006", "0000000100000000", "0020000000000001", "ffffffffffffffff"} {
		_, err := feed(NewDecoder(FrameParser("len64", 5)), unhex(t, length))
		wantError(t, err, "oversize.declared", 8)
	}
	decoder := NewDecoder(FrameParser("len64", 5))
	frames, err := feed(decoder, unhex(t, "0000000000000001610000000000000006"), []byte("never read"))
	if len(frames) != 1 {
		t.Errorf("what stands before an error is delivered: %v", frames)
	}
	wantError(t, err, "oversize.declared", 17)
}

func TestFeedKeepsNoReference(t *testing.T) {
	chunk := unhex(t, "0000000568656c6c6f")
	decoder := NewDecoder(FrameParser("len32", 5))
	frames, _ := decoder.Feed(chunk)
	clear(chunk)
	if string(frames[0].Payload) != "hello" {
		t.Errorf("got %q", frames[0].Payload)
	}
}

func TestTypedMultipart(t *testing.T) {
	records := []Record{{Data: []byte("b")}, {Data: []byte("xy"), Typed: true, Typehash: math.MaxUint64}}
	stream, err := AppendMultipart(nil, records, true, 1024)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := feed(NewDecoder(MultipartParser(true, 1024, 1)), stream)
	if err != nil || len(messages) != 1 || messages[0][1].Typehash != math.MaxUint64 {
		t.Errorf("%v, %v", messages, err)
	}
	_, err = feed(NewDecoder(MultipartParser(true, 1024, 0)), stream)
	wantError(t, err, "oversize.declared", uint64(len(stream)))
	_, err = AppendMultipart(nil, records, false, 1024)
	wantError(t, err, "header.field", 0)
}

var limits = CallLimits{Frame: 1024, Parts: NoLimit, Manifest: 1024, Tensors: 4, Rank: 4, Tensor: 1024}

// lmCall is a request with one tensor, input_ids.
func lmCall(call, chunk, control, cache int64, init bool) (Header, *pp.PPEnvelopeV1) {
	position := uint32(1)
	if init {
		position = 0
	}
	return Header{call, chunk, control, cache, Infer}, &pp.PPEnvelopeV1{
		PpEnvelopeVersion: 1, Action: pp.PPAction_INFER, CallId: call, ChunkIndex: chunk, CacheEpoch: cache,
		TensorSpecs: []*tensor.TensorSpec{{Key: "input_ids", Dtype: "int64", Shape: []uint64{1}}},
		Step:        &pp.PPEnvelopeV1_Lm{Lm: &pp.LmStep{Position: position, NumTokens: 1, InitCache: init}},
	}
}

func encode(t *testing.T, call, chunk, control, cache int64, init bool) []byte {
	t.Helper()
	h, e := lmCall(call, chunk, control, cache, init)
	prepared, err := PrepareCall(&h, e, []uint64{8}, limits)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := prepared.Append(nil, []Record{{Data: make([]byte, 8)}})
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func TestRequest(t *testing.T) {
	h, _ := lmCall(7, 3, 9, 1, true)
	stream := encode(t, 7, 3, 9, 1, true)
	calls, err := feed(NewDecoder(CallParser((*pp.PPEnvelopeV1)(nil), limits)), stream[:50], stream[50:])
	if err != nil || len(calls) != 1 || calls[0].Header != h || calls[0].Body.(*pp.PPEnvelopeV1).GetLm().NumTokens != 1 {
		t.Errorf("%v, %v", calls, err)
	}
	_, err = feed(NewDecoder(CallParser((*pp.PPEnvelopeV1)(nil), limits)), stream[:40])
	wantError(t, err, "eof.in-prefix", 40)
	other := slices.Clone(stream)
	other[0]++ // the header's call_id is not the envelope's any more
	_, err = feed(NewDecoder(CallParser((*pp.PPEnvelopeV1)(nil), limits)), other)
	wantError(t, err, "header.field", uint64(len(stream)))
}

func TestPrepareRefuses(t *testing.T) {
	h, e := lmCall(7, 3, 9, 1, true)
	_, err := PrepareCall(&h, e, []uint64{7}, limits)
	wantError(t, err, "spec.mismatch", 0)
	e.TensorSpecs[0].Shape = []uint64{maxDimension, maxDimension}
	_, err = PrepareCall(&h, e, []uint64{8}, limits)
	wantError(t, err, "spec.mismatch", 0)
	_, err = PrepareCall(&Header{Action: Noop}, e, nil, limits)
	wantError(t, err, "header.field", 0)
	_, err = PrepareCall(&Header{Action: Infer}, &tp.TPManifest{TpEnvelopeVersion: 1, TpPlan: "v9"}, nil, limits)
	wantError(t, err, "header.field", 0)
}

func TestSession(t *testing.T) {
	first, second := encode(t, 1, 5, 1, 1, true), encode(t, 2, 5, 2, 1, false)
	hardCut := encode(t, 2, 0, 2, 2, true)
	corrupt := slices.Clone(first)
	for i := headerSize + 8; i < len(corrupt); i++ {
		corrupt[i] = 0xff
	}
	for name, run := range map[string]struct {
		reads     [][]byte
		delivered int
		class     string
		at        int
	}{
		"in order":            {[][]byte{first, second}, 2, "", 0},
		"a duplicate":         {[][]byte{first, first, second}, 2, "", 0},
		"a duplicate's frame": {[][]byte{first, corrupt, second}, 2, "", 0},
		"a hard cut":          {[][]byte{first, hardCut}, 2, "", 0},
		"begins with no init": {[][]byte{second}, 0, "sequence", len(second)},
		"control_epoch skips": {[][]byte{first, encode(t, 2, 5, 3, 1, false)}, 1, "sequence", len(first) + 40},
		"call_id falls":       {[][]byte{hardCut, encode(t, 1, 5, 3, 2, false)}, 1, "sequence", len(hardCut) + 40},
		"chunk_index falls":   {[][]byte{first, encode(t, 2, 4, 2, 1, false)}, 1, "sequence", len(first) + 40},
		"no epoch wraps": {
			[][]byte{encode(t, 1, 5, math.MaxInt64, 1, true), encode(t, 2, 5, math.MinInt64, 1, false)},
			1, "sequence", len(first) + 40,
		},
	} {
		calls, err := feed(NewDecoder(SessionParser((*pp.PPEnvelopeV1)(nil), limits)), run.reads...)
		calls = slices.DeleteFunc(calls, func(c Call) bool { return c.Duplicate })
		if len(calls) != run.delivered {
			t.Errorf("%s: %d delivered", name, len(calls))
		}
		if run.class == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if run.class != "" {
			wantError(t, err, run.class, uint64(run.at))
		}
	}
}

func TestNothingFollowsShutdown(t *testing.T) {
	prepared, err := PrepareCall(&Header{CallID: 1, Action: Shutdown}, nil, nil, limits)
	if err != nil {
		t.Fatal(err)
	}
	stream, _ := prepared.Append(nil, nil)
	calls, err := feed(NewDecoder(SessionParser((*tp.TPManifest)(nil), limits)), stream, []byte{0})
	if len(calls) != 1 {
		t.Errorf("%v", calls)
	}
	wantError(t, err, "state", 41)
}
