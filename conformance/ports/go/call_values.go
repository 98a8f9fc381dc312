package main

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"

	"tensorwire/port/pb/pp"
	"tensorwire/port/pb/tensor"
	"tensorwire/port/pb/tp"
	"tensorwire/port/wire"
)

// The JSON form of tp, pp-envelope, pp-result and the sessions.

var actions = []string{"NOOP", "INFER", "SHUTDOWN"}

var bodies = map[string]wire.Body{
	"tp": (*tp.TPManifest)(nil), "tp-session": (*tp.TPManifest)(nil),
	"pp-envelope": (*pp.PPEnvelopeV1)(nil), "pp-session": (*pp.PPEnvelopeV1)(nil),
	"pp-result": (*pp.PPResultV1)(nil),
}

var callParsers = map[string]func(wire.Body, wire.CallLimits) wire.Parser[wire.Call]{
	"tp": wire.CallParser, "pp-envelope": wire.CallParser, "pp-result": wire.ResultParser,
	"tp-session": wire.SessionParser, "pp-session": wire.SessionParser,
}

const maxSentDepth = 30

func callLimits(limits map[string]uint64) wire.CallLimits {
	return wire.CallLimits{
		Frame:    limits["max_frame_length"],
		Parts:    limits["max_parts"],
		Manifest: limits["max_manifest_length"],
		Tensors:  limits["max_tensors"],
		Rank:     limits["max_rank"],
		Tensor:   min(limits["max_tensor_length"], limits["max_frame_length"]),
	}
}

func ids(h *wire.Header) map[string]*int64 {
	return map[string]*int64{
		"call_id": &h.CallID, "chunk_index": &h.ChunkIndex,
		"control_epoch": &h.ControlEpoch, "cache_epoch": &h.CacheEpoch,
	}
}

// showCall gives nil for what a session does not deliver.
func showCall(profile string, call wire.Call) any {
	if call.Duplicate {
		return nil
	}
	value := object{}
	if profile != "pp-result" {
		header := map[string]string{"action": actions[call.Header.Action]}
		for name, id := range ids(&call.Header) {
			header[name] = strconv.FormatInt(*id, 10)
		}
		value["header"] = header
	}
	if call.Body == nil {
		return value
	}
	fields := showBody(call.Body)
	if _, isManifest := call.Body.(*tp.TPManifest); isManifest {
		value["manifest"] = fields
	} else {
		for name, field := range fields {
			value[name] = field
		}
	}
	tensors := []any{}
	for _, tensor := range call.Tensors {
		tensors = append(tensors, showBytes(tensor.Data))
	}
	value["tensors"] = tensors
	return value
}

// showBody has the proto's names. protojson shows every 64-bit integer as a string; a dimension is a number.
func showBody(body wire.Body) map[string]any {
	text, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(body)
	raw := map[string]json.RawMessage{}
	if err = errors.Join(err, json.Unmarshal(text, &raw)); err != nil {
		panic(err) // it was judged before
	}
	fields := map[string]any{}
	for name, field := range raw {
		fields[name] = field
	}
	specs := []any{}
	for _, spec := range body.GetTensorSpecs() {
		shown := object{"key": spec.Key, "dtype": spec.Dtype, "shape": append([]uint64{}, spec.Shape...)}
		if spec.Index != nil {
			shown["index"] = *spec.Index
		}
		specs = append(specs, shown)
	}
	fields["tensor_specs"] = specs
	switch b := body.(type) {
	case *tp.TPManifest:
		if b.Kwargs == nil {
			fields["kwargs"] = object{}
		}
		if b.TpPlan == "" {
			delete(fields, "tp_plan")
		}
	case *pp.PPResultV1:
		fields["ok"] = wire.ResultOk(b)
	}
	return fields
}

func encodeCall(profile string, raw json.RawMessage, limits wire.CallLimits) ([]byte, error) {
	var value struct {
		Header   map[string]string
		Manifest json.RawMessage
		Tensors  []json.RawMessage
	}
	fields := map[string]json.RawMessage{}
	if err := errors.Join(json.Unmarshal(raw, &value), json.Unmarshal(raw, &fields)); err != nil {
		return nil, err
	}
	delete(fields, "header")
	delete(fields, "tensors")
	if profile == "tp" {
		fields = nil
		json.Unmarshal(value.Manifest, &fields)
	}
	var header *wire.Header
	if profile != "pp-result" {
		header = &wire.Header{Action: wire.Action(slices.Index(actions, value.Header["action"]))}
		for name, id := range ids(header) {
			var err error
			if *id, err = strconv.ParseInt(value.Header[name], 10, 64); err != nil {
				return nil, &wire.Error{Class: "header.field"}
			}
		}
	}
	var body wire.Body
	if len(fields) > 0 || profile == "pp-result" {
		if profile == "pp-envelope" { // the header's ids are copied
			for _, name := range []string{"action", "call_id", "chunk_index", "cache_epoch"} {
				fields[name], _ = json.Marshal(value.Header[name])
			}
		}
		var err error
		if body, err = loadBody(profile, fields, value.Tensors); err != nil {
			return nil, err
		}
	}
	var lengths []uint64
	for _, tensor := range value.Tensors {
		length, err := lengthOf(tensor)
		if err != nil {
			return nil, err
		}
		lengths = append(lengths, length)
	}
	prepared, err := wire.PrepareCall(header, body, lengths, limits)
	if err != nil {
		return nil, err
	}
	var records []wire.Record // built last
	for _, tensor := range value.Tensors {
		data, err := loadBytes(tensor, maxBuilt)
		if err != nil {
			return nil, err
		}
		records = append(records, wire.Record{Data: data})
	}
	return prepared.Append(nil, records)
}

// loadBody reads the fields of a body, and sorts its specs together with the tensors.
func loadBody(profile string, fields map[string]json.RawMessage, tensors []json.RawMessage) (wire.Body, error) {
	refused := &wire.Error{Class: "header.field"} // a field cannot carry its value
	body := bodies[profile].ProtoReflect().New().Interface().(wire.Body)
	specs := fields["tensor_specs"]
	delete(fields, "tensor_specs")
	text, err := json.Marshal(fields)
	if err != nil || protojson.Unmarshal(text, body) != nil {
		return nil, refused
	}
	version := body.ProtoReflect().Descriptor().Fields().ByNumber(1)
	if _, given := fields[version.TextName()]; !given {
		body.ProtoReflect().Set(version, protoreflect.ValueOfUint32(1))
	}
	if err := loadSpecs(body.ProtoReflect(), specs); err != nil {
		return nil, err
	}
	switch b := body.(type) {
	case *tp.TPManifest:
		if !exact(b.Kwargs.GetFields(), 0) {
			return nil, refused
		}
		if len(b.Kwargs.GetFields()) == 0 {
			b.Kwargs = nil // canonical
		}
	case *pp.PPResultV1:
		if wire.ResultOk(b) {
			b.Ok = nil // canonical
		}
	}
	sortTensors(body.GetTensorSpecs(), tensors)
	return body, nil
}

// loadSpecs reads the specs apart from the body: a value that a field of a spec cannot carry is spec.mismatch, one of any other field header.field.
func loadSpecs(body protoreflect.Message, raw json.RawMessage) error {
	if raw == nil {
		return nil
	}
	var specs []json.RawMessage
	if err := json.Unmarshal(raw, &specs); err != nil {
		return err
	}
	list := body.Mutable(body.Descriptor().Fields().ByName("tensor_specs")).List()
	for _, spec := range specs {
		if protojson.Unmarshal(spec, list.AppendMutable().Message().Interface()) != nil {
			return &wire.Error{Class: "spec.mismatch"}
		}
	}
	return nil
}

func sortTensors(specs []*tensor.TensorSpec, tensors []json.RawMessage) {
	if len(specs) != len(tensors) {
		return // judged later
	}
	type pair struct {
		spec   *tensor.TensorSpec
		tensor json.RawMessage
	}
	pairs := []pair{}
	for i, spec := range specs {
		pairs = append(pairs, pair{spec, tensors[i]})
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return wire.CompareSpecs(a.spec, b.spec) })
	for i, p := range pairs {
		specs[i], tensors[i] = p.spec, p.tensor
	}
}

// exact is false where a Struct would change a number, or is too deep for some parsers.
func exact(fields map[string]*structpb.Value, depth int) bool {
	for _, value := range fields {
		if !exactValue(value, depth) {
			return false
		}
	}
	return depth <= maxSentDepth
}

func exactValue(value *structpb.Value, depth int) bool {
	switch v := value.GetKind().(type) {
	case *structpb.Value_NumberValue:
		return v.NumberValue != math.Trunc(v.NumberValue) || math.Abs(v.NumberValue) <= 1<<53-1
	case *structpb.Value_StructValue:
		return exact(v.StructValue.GetFields(), depth+1)
	case *structpb.Value_ListValue:
		for _, inner := range v.ListValue.GetValues() {
			if !exactValue(inner, depth+1) {
				return false
			}
		}
		return depth < maxSentDepth
	}
	return true
}
