package main

import (
	"encoding/json"
	"slices"
	"strconv"

	"tensorwire/port/wire"
)

var actions = []string{"NOOP", "INFER", "SHUTDOWN"}

func tpLimits(limits map[string]uint64) wire.TpLimits {
	return wire.TpLimits{
		Frame:    limits["max_frame_length"],
		Parts:    limits["max_parts"],
		Manifest: limits["max_manifest_length"],
		Tensors:  limits["max_tensors"],
		Rank:     limits["max_rank"],
		Tensor:   limits["max_tensor_length"],
	}
}

func ids(h *wire.Header) map[string]*int64 {
	return map[string]*int64{
		"call_id": &h.CallID, "chunk_index": &h.ChunkIndex,
		"control_epoch": &h.ControlEpoch, "cache_epoch": &h.CacheEpoch,
	}
}

func showTp(message wire.TpMessage) any {
	h := message.Header
	header := map[string]string{"action": actions[h.Action]}
	for name, id := range ids(&h) {
		header[name] = strconv.FormatInt(*id, 10)
	}
	value := object{"header": header}
	if message.Manifest != nil {
		tensors := []any{}
		for _, tensor := range message.Tensors {
			tensors = append(tensors, showBytes(tensor.Data))
		}
		value["manifest"], value["tensors"] = message.Manifest, tensors
	}
	return value
}

func encodeTp(raw json.RawMessage, limits wire.TpLimits) ([]byte, error) {
	var value struct {
		Header   map[string]string
		Manifest *wire.Manifest
		Tensors  []json.RawMessage
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, err
	}
	message := wire.TpMessage{Manifest: value.Manifest}
	for name, id := range ids(&message.Header) {
		var err error
		if *id, err = strconv.ParseInt(value.Header[name], 10, 64); err != nil {
			return nil, &wire.Error{Class: "header.field"}
		}
	}
	message.Header.Action = wire.Action(slices.Index(actions, value.Header["action"]))
	for _, tensor := range value.Tensors {
		data, err := loadBytes(tensor, limits.Frame)
		if err != nil {
			return nil, err
		}
		message.Tensors = append(message.Tensors, wire.Record{Data: data})
	}
	return wire.AppendTp(nil, message, limits)
}
