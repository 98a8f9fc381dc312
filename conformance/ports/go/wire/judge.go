package wire

import (
	"math"
	"math/bits"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"tensorwire/port/pb/pp"
	"tensorwire/port/pb/tensor"
	"tensorwire/port/pb/tp"
)

const (
	fieldFault  = "header.field"
	lengthFault = "header.length"
	specFault   = "spec.mismatch"

	maxDimension  = 1<<53 - 1
	generatorOnly = "v1_generator_only"
)

// dtypeSize has the names that are supported; bool, uint8, int8, int16, int32 and float64 are known, and refused too.
var dtypeSize = map[string]uint64{"bfloat16": 2, "float16": 2, "float32": 4, "int64": 8}

// judge checks all that a receiver and a sender must of a body of version 1. It returns the class of a refusal.
func judge(h *Header, body Body, sizes []uint64, limits CallLimits) string {
	if class := judgeNumbers(body.ProtoReflect()); class != "" {
		return class
	}
	class, tensors := "", func() bool { return true }
	switch b := body.(type) {
	case *tp.TPManifest:
		class, tensors = judgeManifest(b), func() bool { return manifestTensors(b) }
	case *pp.PPEnvelopeV1:
		class, tensors = judgeEnvelope(h, b), func() bool { return envelopeTensors(b) }
	case *pp.PPResultV1:
		class = judgeResult(b)
	}
	if class != "" {
		return class
	}
	if !judgeSpecs(body.GetTensorSpecs(), sizes, limits) || !tensors() {
		return specFault
	}
	return ""
}

// judgeNumbers refuses NaN and the infinities, and a Value without a kind.
func judgeNumbers(m protoreflect.Message) (class string) {
	fault := fieldFault
	if m.Descriptor().FullName() == "google.protobuf.Value" {
		fault, class = lengthFault, lengthFault // of a Value without a kind, unless a field is found below
	}
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		class = ""
		switch {
		case field.IsMap():
			value.Map().Range(func(_ protoreflect.MapKey, inner protoreflect.Value) bool {
				class = judgeNumbers(inner.Message())
				return class == ""
			})
		case field.IsList() && field.Message() != nil:
			for i := 0; i < value.List().Len() && class == ""; i++ {
				class = judgeNumbers(value.List().Get(i).Message())
			}
		case field.IsList():
		case field.Message() != nil:
			class = judgeNumbers(value.Message())
		case field.Kind() == protoreflect.DoubleKind:
			if f := value.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
				class = fault
			}
		}
		return class == ""
	})
	return class
}

func faultIf(wrong bool, class string) string {
	if wrong {
		return class
	}
	return ""
}

// calls says whether so many generator calls follow from the steps.
func calls(expected, steps uint32, recompute bool) bool {
	want := uint64(steps)
	if recompute {
		want++
	}
	return uint64(expected) == want
}

func judgeManifest(m *tp.TPManifest) string {
	known := m.TpPlan == "" || m.TpPlan == "v0_full_pipeline" || m.TpPlan == generatorOnly
	v := m.Video
	wrong := !known || (v != nil) != (m.TpPlan == generatorOnly) ||
		(v != nil && !calls(v.TpExpectedGeneratorCalls, v.TpNumDenoiseSteps, v.TpDoKvRecompute))
	return faultIf(wrong, fieldFault)
}

func judgeEnvelope(h *Header, e *pp.PPEnvelopeV1) string {
	wrong := int64(e.Action) != int64(h.Action) || e.CallId != h.CallID || e.ChunkIndex != h.ChunkIndex || e.CacheEpoch != h.CacheEpoch
	switch lm, v := e.GetLm(), e.GetVideo(); {
	case lm != nil:
		wrong = wrong || lm.NumTokens < 1 || (lm.Position == 0) != lm.InitCache
	case v != nil:
		wrong = wrong || !v.PpDisableVace || !calls(v.ExpectedGeneratorCalls, v.NumDenoiseSteps, v.DoKvRecompute)
	default:
		wrong = true
	}
	return faultIf(wrong, fieldFault)
}

// ResultOk is true where it is absent.
func ResultOk(r *pp.PPResultV1) bool { return r.Ok == nil || *r.Ok }

func judgeResult(r *pp.PPResultV1) string {
	if class := faultIf(ResultOk(r) != (r.ErrorMessage == ""), fieldFault); class != "" {
		return class
	}
	return faultIf(ResultOk(r) != (len(r.TensorSpecs) > 0), specFault)
}

func judgeSpecs(specs []*tensor.TensorSpec, sizes []uint64, limits CallLimits) bool {
	if uint64(len(specs)) > limits.Tensors || len(specs) != len(sizes) {
		return false
	}
	for i, spec := range specs {
		size, ok := sizeOf(spec, limits)
		if !ok || size > limits.Tensor || size != sizes[i] || spec.Key == "" || (i > 0 && CompareSpecs(specs[i-1], spec) >= 0) {
			return false
		}
	}
	return true
}

// sizeOf is false for a shape or dtype that is not acceptable. A product beyond 64 bits is the largest number.
func sizeOf(s *tensor.TensorSpec, limits CallLimits) (uint64, bool) {
	size, known := dtypeSize[s.Dtype]
	tooLong := func(n uint64) bool { return n > maxDimension }
	if !known || uint64(len(s.Shape)) > limits.Rank || slices.ContainsFunc(s.Shape, tooLong) {
		return 0, false
	}
	if slices.Contains(s.Shape, 0) {
		return 0, true
	}
	for _, n := range s.Shape {
		over, product := bits.Mul64(size, n)
		if over > 0 {
			return math.MaxUint64, true
		}
		size = product
	}
	return size, true
}

// CompareSpecs orders by key, in bytes, and then by index, an absent one first.
func CompareSpecs(a, b *tensor.TensorSpec) int {
	if keys := strings.Compare(a.Key, b.Key); keys != 0 {
		return keys
	}
	place := func(s *tensor.TensorSpec) int64 {
		if s.Index == nil {
			return -1
		}
		return int64(*s.Index)
	}
	return int(max(-1, min(1, place(a)-place(b))))
}

// requires says whether there is a tensor of that key, without an index, that is as it must be. r[tp.spec.named]
func requires(specs []*tensor.TensorSpec, key string, fine func(*tensor.TensorSpec) bool) bool {
	return slices.ContainsFunc(specs, func(s *tensor.TensorSpec) bool { return s.Key == key && s.Index == nil && fine(s) })
}

func forbids(specs []*tensor.TensorSpec, key string) bool {
	return !slices.ContainsFunc(specs, func(s *tensor.TensorSpec) bool { return s.Key == key })
}

// requiresIf forbids the key otherwise.
func requiresIf(condition bool, specs []*tensor.TensorSpec, key string, fine func(*tensor.TensorSpec) bool) bool {
	if condition {
		return requires(specs, key, fine)
	}
	return forbids(specs, key)
}

func list(length uint32) func(*tensor.TensorSpec) bool {
	return func(s *tensor.TensorSpec) bool {
		return s.Dtype == "int64" && len(s.Shape) == 1 && s.Shape[0] == uint64(length)
	}
}

func ofType(dtypes ...string) func(*tensor.TensorSpec) bool {
	return func(s *tensor.TensorSpec) bool { return slices.Contains(dtypes, s.Dtype) }
}

func anything(*tensor.TensorSpec) bool { return true }

func manifestTensors(m *tp.TPManifest) bool {
	if m.TpPlan != generatorOnly {
		return true
	}
	s, half := m.TensorSpecs, ofType("bfloat16", "float16")
	return requires(s, "denoising_step_list", list(m.Video.TpNumDenoiseSteps)) &&
		requires(s, "latents", half) && requires(s, "conditioning_embeds", half) &&
		requiresIf(m.Video.TpDoKvRecompute, s, "context_frames_override", anything) && forbids(s, "video")
}

func envelopeTensors(e *pp.PPEnvelopeV1) bool {
	s := e.TensorSpecs
	if lm := e.GetLm(); lm != nil {
		ids := requires(s, "input_ids", anything)
		return requiresIf(ids, s, "input_ids", list(lm.NumTokens)) && requiresIf(!ids, s, "hidden", func(s *tensor.TensorSpec) bool {
			return ofType("float32", "float16", "bfloat16")(s) && len(s.Shape) == 2 && s.Shape[0] == uint64(lm.NumTokens)
		})
	}
	v, bfloat16 := e.GetVideo(), ofType("bfloat16")
	return requires(s, "current_denoising_step_list", list(v.NumDenoiseSteps)) &&
		requires(s, "conditioning_embeds", bfloat16) && requires(s, "latents_in", bfloat16) &&
		requiresIf(v.DoKvRecompute, s, "context_frames", bfloat16)
}
