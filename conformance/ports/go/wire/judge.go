package wire

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"
)

// TpLimits are the limits of spec/tp-control.md.
type TpLimits struct {
	Frame, Parts, Manifest, Tensors, Rank, Tensor uint64
}

// dtypeSize has the names that are supported; bool, uint8, int8, int16, int32 and float64 are known, and refused too.
var dtypeSize = map[string]uint64{"bfloat16": 2, "float16": 2, "float32": 4, "int64": 8}

const maxDimension = 1<<53 - 1

func mismatch() error { return &Error{Class: "spec.mismatch"} }

// Judge checks a manifest and the lengths of its tensors, before anything is allocated for one.
func Judge(m *Manifest, tensors []Record, limits TpLimits) error {
	if err := judgePlan(m); err != nil {
		return err
	}
	if uint64(len(m.Specs)) > limits.Tensors || len(m.Specs) != len(tensors) {
		return mismatch()
	}
	for i, spec := range m.Specs {
		size, ok := spec.size(limits)
		if !ok || size > limits.Tensor || size != uint64(len(tensors[i].Data)) {
			return mismatch()
		}
		if spec.Key == "" || (i > 0 && compareSpecs(m.Specs[i-1], spec) >= 0) {
			return mismatch()
		}
	}
	return judgePlanTensors(m)
}

// size in bytes: false for a shape or dtype that is not acceptable. A product beyond 64 bits is the largest number.
func (s TensorSpec) size(limits TpLimits) (uint64, bool) {
	size, known := dtypeSize[s.Dtype]
	if !known || uint64(len(s.Shape)) > limits.Rank || slices.ContainsFunc(s.Shape, func(n uint64) bool { return n > maxDimension }) {
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

// compareSpecs orders by key, in bytes, and then by index, an absent one first.
func compareSpecs(a, b TensorSpec) int {
	rank := func(s TensorSpec) int64 {
		if s.Index == nil {
			return -1
		}
		return int64(*s.Index)
	}
	if keys := strings.Compare(a.Key, b.Key); keys != 0 {
		return keys
	}
	return cmp.Compare(rank(a), rank(b))
}

const generatorOnly = "v1_generator_only"

func judgePlan(m *Manifest) error {
	if m.Plan != "" && m.Plan != "v0_full_pipeline" && m.Plan != generatorOnly {
		return &Error{Class: "header.field"}
	}
	if (m.Video != nil) != (m.Plan == generatorOnly) {
		return &Error{Class: "header.field"}
	}
	if v := m.Video; v != nil {
		calls := uint64(v.NumDenoiseSteps)
		if v.DoKvRecompute {
			calls++
		}
		if calls != uint64(v.ExpectedGeneratorCalls) {
			return &Error{Class: "header.field"}
		}
	}
	return nil
}

func judgePlanTensors(m *Manifest) error {
	if m.Plan != generatorOnly {
		return nil
	}
	half := func(s TensorSpec) bool { return s.Dtype == "bfloat16" || s.Dtype == "float16" }
	found := map[string]bool{}
	for _, s := range m.Specs {
		ok := true
		switch s.Key {
		case "denoising_step_list":
			ok = s.Dtype == "int64" && len(s.Shape) == 1 && s.Shape[0] == uint64(m.Video.NumDenoiseSteps)
		case "latents", "conditioning_embeds":
			ok = half(s)
		case "video":
			ok = false
		}
		if !ok {
			return mismatch()
		}
		found[s.Key] = true
	}
	if !found["denoising_step_list"] || !found["latents"] || !found["conditioning_embeds"] ||
		found["context_frames_override"] != m.Video.DoKvRecompute {
		return mismatch()
	}
	return nil
}

// sorted returns specs and tensors in the order of the wire.
func sorted(specs []TensorSpec, tensors []Record) ([]TensorSpec, []Record) {
	if len(specs) != len(tensors) {
		return specs, tensors // judged later
	}
	order := make([]int, len(specs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return compareSpecs(specs[a], specs[b]) })
	var s []TensorSpec
	var t []Record
	for _, i := range order {
		s, t = append(s, specs[i]), append(t, tensors[i])
	}
	return s, t
}
