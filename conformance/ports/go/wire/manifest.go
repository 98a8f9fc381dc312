package wire

import (
	"encoding/binary"
	"math"
)

// The names in the tags are those of spec/proto/tp_control.proto and of the values of the IUT protocol.

// TensorSpec says what a part holds.
type TensorSpec struct {
	Key   string   `json:"key"`
	Index *uint32  `json:"index,omitempty"` // nil for a tensor that stands alone
	Dtype string   `json:"dtype"`
	Shape []uint64 `json:"shape"`
}

// VideoStep is one step of a video generator.
type VideoStep struct {
	Height                    uint32  `json:"height"`
	Width                     uint32  `json:"width"`
	CurrentStartFrame         int64   `json:"current_start_frame,string"`
	InitCache                 bool    `json:"init_cache"`
	ManageCache               bool    `json:"manage_cache"`
	ResetKvCache              bool    `json:"tp_reset_kv_cache"`
	ResetCrossattnCache       bool    `json:"tp_reset_crossattn_cache"`
	ConditioningEmbedsUpdated bool    `json:"conditioning_embeds_updated"`
	KvCacheAttentionBias      float64 `json:"kv_cache_attention_bias"`
	DoKvRecompute             bool    `json:"tp_do_kv_recompute"`
	NumDenoiseSteps           uint32  `json:"tp_num_denoise_steps"`
	ExpectedGeneratorCalls    uint32  `json:"tp_expected_generator_calls"`
	BaseSeed                  int64   `json:"base_seed,string"`
}

// Manifest is the body of an INFER message.
type Manifest struct {
	Version uint32         `json:"tp_envelope_version"`
	Specs   []TensorSpec   `json:"tensor_specs"`
	Kwargs  map[string]any `json:"kwargs"` // nil, float64, string, bool, map[string]any, []any
	Plan    string         `json:"tp_plan,omitempty"`
	Video   *VideoStep     `json:"video,omitempty"`
}

// DecodeManifest parses a body. It refuses another version before it looks at anything else; it judges no spec.
func DecodeManifest(body []byte) (*Manifest, error) {
	m := &Manifest{Specs: []TensorSpec{}, Kwargs: map[string]any{}}
	err := fields(body, func(f protoField) error {
		if f.id == 1 && f.kind == varint {
			m.Version = uint32(f.number)
		}
		return nil
	})
	if err == nil && m.Version != 1 {
		return nil, &Error{Class: "version"}
	}
	if err == nil {
		err = fields(body, m.take)
	}
	if err != nil {
		return nil, &Error{Class: "header.length"}
	}
	return m, nil
}

func (m *Manifest) take(f protoField) (err error) {
	if f.kind != lengthDelimited {
		return nil
	}
	switch f.id {
	case 2:
		spec := TensorSpec{Shape: []uint64{}}
		err = fields(f.data, spec.take)
		m.Specs = append(m.Specs, spec)
	case 3:
		err = decodeStruct(f.data, m.Kwargs, 0)
	case 4:
		m.Plan, err = f.text()
	case 5:
		if m.Video == nil {
			m.Video = &VideoStep{}
		}
		err = fields(f.data, m.Video.take)
	}
	return err
}

func (s *TensorSpec) take(f protoField) (err error) {
	switch {
	case f.id == 1 && f.kind == lengthDelimited:
		s.Key, err = f.text()
	case f.id == 2 && f.kind == varint:
		index := uint32(f.number)
		s.Index = &index
	case f.id == 3 && f.kind == lengthDelimited:
		s.Dtype, err = f.text()
	case f.id == 4 && f.kind == varint:
		s.Shape = append(s.Shape, f.number)
	case f.id == 4 && f.kind == lengthDelimited:
		for packed := f.data; len(packed) > 0; {
			dimension, n := binary.Uvarint(packed)
			if n <= 0 {
				return errNotMessage
			}
			s.Shape = append(s.Shape, dimension)
			packed = packed[n:]
		}
	}
	return err
}

func (v *VideoStep) take(f protoField) error {
	if f.id == 9 && f.kind == fixed64 {
		v.KvCacheAttentionBias = math.Float64frombits(f.number)
	}
	if f.kind != varint {
		return nil
	}
	switch f.id {
	case 1:
		v.Height = uint32(f.number)
	case 2:
		v.Width = uint32(f.number)
	case 3:
		v.CurrentStartFrame = int64(f.number)
	case 4:
		v.InitCache = f.number != 0
	case 5:
		v.ManageCache = f.number != 0
	case 6:
		v.ResetKvCache = f.number != 0
	case 7:
		v.ResetCrossattnCache = f.number != 0
	case 8:
		v.ConditioningEmbedsUpdated = f.number != 0
	case 10:
		v.DoKvRecompute = f.number != 0
	case 11:
		v.NumDenoiseSteps = uint32(f.number)
	case 12:
		v.ExpectedGeneratorCalls = uint32(f.number)
	case 13:
		v.BaseSeed = int64(f.number)
	}
	return nil
}

// AppendManifest appends the canonical form.
func AppendManifest(out []byte, m *Manifest) ([]byte, error) {
	out = appendNumber(out, 1, uint64(m.Version))
	for _, s := range m.Specs {
		spec := appendData(nil, 1, []byte(s.Key))
		if s.Index != nil {
			spec = binary.AppendUvarint(appendKey(spec, 2, varint), uint64(*s.Index))
		}
		spec = appendData(spec, 3, []byte(s.Dtype))
		var shape []byte
		for _, dimension := range s.Shape {
			shape = binary.AppendUvarint(shape, dimension)
		}
		out = appendPresent(out, 2, appendData(spec, 4, shape))
	}
	kwargs, err := appendStruct(nil, m.Kwargs)
	if err != nil {
		return out, err
	}
	out = appendData(out, 3, kwargs)
	out = appendData(out, 4, []byte(m.Plan))
	if v := m.Video; v != nil {
		step := appendNumber(nil, 1, uint64(v.Height))
		step = appendNumber(step, 2, uint64(v.Width))
		step = appendNumber(step, 3, uint64(v.CurrentStartFrame))
		step = appendBool(step, 4, v.InitCache)
		step = appendBool(step, 5, v.ManageCache)
		step = appendBool(step, 6, v.ResetKvCache)
		step = appendBool(step, 7, v.ResetCrossattnCache)
		step = appendBool(step, 8, v.ConditioningEmbedsUpdated)
		step = appendDouble(step, 9, v.KvCacheAttentionBias)
		step = appendBool(step, 10, v.DoKvRecompute)
		step = appendNumber(step, 11, uint64(v.NumDenoiseSteps))
		step = appendNumber(step, 12, uint64(v.ExpectedGeneratorCalls))
		step = appendNumber(step, 13, uint64(v.BaseSeed))
		out = appendPresent(out, 5, step)
	}
	return out, nil
}
