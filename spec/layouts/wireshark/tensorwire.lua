-- Wireshark dissector for the profiles of tensorwire: README.md beside it says how to use it.
-- Generated from spec/layouts/*.json by scripts/layouts/generate.ts.

local LAYOUTS = {
  {
    profile = "grpc-lpm",
    ports = "47104",
    message = {
      {
        field = "flag",
        type = "u8",
        about = "compression flag; only 0 is accepted here",
        values = {
          ["0"] = { name = "plain" },
          ["1"] = { name = "compressed", refused = { class = "codec.unsupported", rule = "grpc.flag.compressed" } },
        },
        others = { class = "flags.reserved", rule = "grpc.flag.reserved" },
        eof = { class = "eof.in-prefix", rule = "grpc.eof.mid-prefix" },
        expected = "0 plain",
      },
      {
        field = "length",
        type = "u32be",
        about = "payload bytes, unsigned, big-endian",
        counts = "payload",
        limit = { option = "max_frame_length", class = "oversize.declared", rule = "grpc.limit.oversize" },
        eof = { class = "eof.in-prefix", rule = "grpc.eof.mid-prefix" },
      },
      {
        field = "payload",
        type = "bytes",
        length = "length",
        about = "the message",
        eof = { class = "eof.in-body", rule = "grpc.eof.mid-body" },
      },
    },
  },
  {
    profile = "len32",
    ports = "47101",
    message = {
      {
        field = "length",
        type = "u32be",
        about = "payload bytes, unsigned, big-endian",
        counts = "payload",
        limit = { option = "max_frame_length", class = "oversize.declared", rule = "len32.limit.oversize" },
        eof = { class = "eof.in-prefix", rule = "len32.eof.mid-prefix" },
      },
      {
        field = "payload",
        type = "bytes",
        length = "length",
        about = "the message",
        eof = { class = "eof.in-body", rule = "len32.eof.mid-body" },
      },
    },
  },
  {
    profile = "len56-tagged",
    ports = "47103",
    message = {
      { field = "tag", type = "u8", about = "logical channel, 0 to 255", eof = { class = "eof.in-prefix", rule = "len56.eof.mid-prefix" } },
      {
        field = "length",
        type = "u56be",
        about = "payload bytes, unsigned, big-endian",
        counts = "payload",
        limit = { option = "max_frame_length", class = "oversize.declared", rule = "len56.limit.oversize" },
        eof = { class = "eof.in-prefix", rule = "len56.eof.mid-prefix" },
      },
      {
        field = "payload",
        type = "bytes",
        length = "length",
        about = "the message",
        eof = { class = "eof.in-body", rule = "len56.eof.mid-body" },
      },
    },
  },
  {
    profile = "len64",
    ports = "47102",
    message = {
      {
        field = "length",
        type = "u64be",
        about = "payload bytes, unsigned, big-endian",
        counts = "payload",
        limit = { option = "max_frame_length", class = "oversize.declared", rule = "len64.limit.oversize" },
        eof = { class = "eof.in-prefix", rule = "len64.eof.mid-prefix" },
      },
      {
        field = "payload",
        type = "bytes",
        length = "length",
        about = "the message",
        eof = { class = "eof.in-body", rule = "len64.eof.mid-body" },
      },
    },
  },
  {
    profile = "multipart-typed",
    ports = "47106",
    message = {
      {
        field = "length",
        type = "u64be",
        about = "bytes of the frame's payload, record headers included",
        counts = "payload",
        limit = { option = "max_frame_length", class = "oversize.declared", rule = "len64.limit.oversize" },
        eof = { class = "eof.in-prefix", rule = "len64.eof.mid-prefix" },
      },
      {
        frame = "payload",
        length = "length",
        records = {
          {
            record = "body_record",
            missing = { class = "eof.in-prefix", rule = "multipart.body.required" },
            fields = {
              {
                field = "body_length",
                type = "u64be",
                about = "bit 63: a type hash follows; the rest: bytes of the body",
                counts = "body",
                top_bit = "typed",
                eof = { class = "eof.in-body", rule = "len64.eof.mid-body" },
                cut = { class = "eof.in-prefix", rule = "multipart.prefix.cut" },
              },
              {
                ["if"] = { field = "body_length", is = "typed" },
                nodes = {
                  {
                    field = "typehash",
                    type = "u64be",
                    about = "type hash of the record",
                    eof = { class = "eof.in-body", rule = "len64.eof.mid-body" },
                    cut = { class = "eof.in-header", rule = "multipart-typed.hash.cut" },
                  },
                },
              },
              {
                field = "body",
                type = "bytes",
                length = "body_length",
                about = "the body",
                eof = { class = "eof.in-body", rule = "len64.eof.mid-body" },
                cut = { class = "eof.in-body", rule = "multipart-typed.record.cut" },
              },
            },
          },
          {
            record = "part_record",
            ["repeat"] = "to-end",
            limit = { option = "max_parts", class = "oversize.declared", rule = "multipart.limit.parts" },
            fields = {
              {
                field = "part_length",
                type = "u64be",
                about = "bit 63: a type hash follows; the rest: bytes of a part",
                counts = "part",
                top_bit = "typed",
                eof = { class = "eof.in-body", rule = "len64.eof.mid-body" },
                cut = { class = "eof.in-prefix", rule = "multipart.prefix.cut" },
              },
              {
                ["if"] = { field = "part_length", is = "typed" },
                nodes = {
                  {
                    field = "typehash",
                    type = "u64be",
                    about = "type hash of the record",
                    eof = { class = "eof.in-body", rule = "len64.eof.mid-body" },
                    cut = { class = "eof.in-header", rule = "multipart-typed.hash.cut" },
                  },
                },
              },
              {
                field = "part",
                type = "bytes",
                length = "part_length",
                about = "a part",
                eof = { class = "eof.in-body", rule = "len64.eof.mid-body" },
                cut = { class = "eof.in-body", rule = "multipart-typed.record.cut" },
              },
            },
          },
        },
      },
    },
  },
  {
    profile = "multipart",
    ports = "47105",
    message = {
      {
        field = "length",
        type = "u64be",
        about = "bytes of the frame's payload, record headers included",
        counts = "payload",
        limit = { option = "max_frame_length", class = "oversize.declared", rule = "len64.limit.oversize" },
        eof = { class = "eof.in-prefix", rule = "len64.eof.mid-prefix" },
      },
      {
        frame = "payload",
        length = "length",
        records = {
          {
            record = "body_record",
            missing = { class = "eof.in-prefix", rule = "multipart.body.required" },
            fields = {
              {
                field = "body_length",
                type = "u64be",
                about = "bytes of the body",
                counts = "body",
                eof = { class = "eof.in-body", rule = "len64.eof.mid-body" },
                cut = { class = "eof.in-prefix", rule = "multipart.prefix.cut" },
              },
              {
                field = "body",
                type = "bytes",
                length = "body_length",
                about = "the body",
                eof = { class = "eof.in-body", rule = "len64.eof.mid-body" },
                cut = { class = "eof.in-body", rule = "multipart.record.cut" },
              },
            },
          },
          {
            record = "part_record",
            ["repeat"] = "to-end",
            limit = { option = "max_parts", class = "oversize.declared", rule = "multipart.limit.parts" },
            fields = {
              {
                field = "part_length",
                type = "u64be",
                about = "bytes of a part",
                counts = "part",
                eof = { class = "eof.in-body", rule = "len64.eof.mid-body" },
                cut = { class = "eof.in-prefix", rule = "multipart.prefix.cut" },
              },
              {
                field = "part",
                type = "bytes",
                length = "part_length",
                about = "a part",
                eof = { class = "eof.in-body", rule = "len64.eof.mid-body" },
                cut = { class = "eof.in-body", rule = "multipart.record.cut" },
              },
            },
          },
        },
      },
    },
  },
  {
    profile = "pp-envelope",
    back = "pp-result",
    ports = "47109,47110",
    opening = {
      {
        field = "hello_length",
        type = "u64be",
        about = "bytes of the Hello; both are there in a deployment with a handshake",
        counts = "hello",
        limit = { most = 4096, class = "oversize.declared", rule = "link.hello.limit" },
        eof = { class = "eof.in-prefix", rule = "link.hello.cut" },
      },
      {
        field = "hello",
        type = "bytes",
        length = "hello_length",
        about = "Hello, protobuf",
        message = "tensorwire.link.v1.Hello",
        eof = { class = "eof.in-body", rule = "link.hello.cut" },
      },
    },
    message = {
      {
        field = "call_id",
        type = "i64le",
        about = "names the call; grows over all actions",
        eof = { class = "eof.in-header", rule = "tp.header.cut" },
      },
      {
        field = "chunk_index",
        type = "i64le",
        about = "position in the sequence that is generated; grows over INFER",
        eof = { class = "eof.in-header", rule = "tp.header.cut" },
      },
      {
        field = "control_epoch",
        type = "i64le",
        about = "counts the messages of the sender",
        eof = { class = "eof.in-header", rule = "tp.header.cut" },
      },
      { field = "cache_epoch", type = "i64le", about = "counts the hard cuts", eof = { class = "eof.in-header", rule = "tp.header.cut" } },
      {
        field = "action",
        type = "i64le",
        about = "NOOP 0, INFER 1, SHUTDOWN 2",
        values = { ["0"] = { name = "NOOP" }, ["1"] = { name = "INFER" }, ["2"] = { name = "SHUTDOWN" } },
        others = { class = "header.field", rule = "pp.action.values" },
        eof = { class = "eof.in-header", rule = "tp.header.cut" },
        expected = "0 NOOP, 1 INFER, 2 SHUTDOWN",
      },
      {
        ["if"] = { field = "action", is = "INFER" },
        nodes = {
          {
            field = "length",
            type = "u64be",
            about = "bytes of the frame's payload",
            counts = "payload",
            limit = { option = "max_frame_length", class = "oversize.declared", rule = "pp.infer.oversize" },
            eof = { class = "eof.in-prefix", rule = "pp.infer.cut" },
          },
          {
            frame = "payload",
            length = "length",
            records = {
              {
                record = "envelope_record",
                missing = { class = "eof.in-prefix", rule = "multipart.body.required" },
                fields = {
                  {
                    field = "record_length",
                    type = "u64be",
                    about = "bytes of the record behind it",
                    counts = "envelope",
                    eof = { class = "eof.in-body", rule = "pp.infer.cut" },
                    cut = { class = "eof.in-prefix", rule = "multipart.prefix.cut" },
                  },
                  {
                    field = "envelope",
                    type = "bytes",
                    length = "record_length",
                    about = "PPEnvelopeV1, protobuf",
                    message = "tensorwire.pp.v1.PPEnvelopeV1",
                    eof = { class = "eof.in-body", rule = "pp.infer.cut" },
                    cut = { class = "eof.in-body", rule = "multipart.record.cut" },
                  },
                },
              },
              {
                record = "tensor_record",
                ["repeat"] = "to-end",
                limit = { option = "max_parts", class = "oversize.declared", rule = "multipart.limit.parts" },
                fields = {
                  {
                    field = "record_length",
                    type = "u64be",
                    about = "bytes of the record behind it",
                    counts = "tensor",
                    eof = { class = "eof.in-body", rule = "pp.infer.cut" },
                    cut = { class = "eof.in-prefix", rule = "multipart.prefix.cut" },
                  },
                  {
                    field = "tensor",
                    type = "bytes",
                    length = "record_length",
                    about = "elements in C order, little-endian",
                    eof = { class = "eof.in-body", rule = "pp.infer.cut" },
                    cut = { class = "eof.in-body", rule = "multipart.record.cut" },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
  {
    profile = "pp-result",
    ports = "47111",
    opening = {
      {
        field = "hello_length",
        type = "u64be",
        about = "bytes of the Hello; both are there in a deployment with a handshake",
        counts = "hello",
        limit = { most = 4096, class = "oversize.declared", rule = "link.hello.limit" },
        eof = { class = "eof.in-prefix", rule = "link.hello.cut" },
      },
      {
        field = "hello",
        type = "bytes",
        length = "hello_length",
        about = "Hello, protobuf",
        message = "tensorwire.link.v1.Hello",
        eof = { class = "eof.in-body", rule = "link.hello.cut" },
      },
    },
    message = {
      {
        field = "length",
        type = "u64be",
        about = "bytes of the frame's payload",
        counts = "payload",
        limit = { option = "max_frame_length", class = "oversize.declared", rule = "len64.limit.oversize" },
        eof = { class = "eof.in-prefix", rule = "len64.eof.mid-prefix" },
      },
      {
        frame = "payload",
        length = "length",
        records = {
          {
            record = "result_record",
            missing = { class = "eof.in-prefix", rule = "multipart.body.required" },
            fields = {
              {
                field = "record_length",
                type = "u64be",
                about = "bytes of the record behind it",
                counts = "result",
                eof = { class = "eof.in-body", rule = "len64.eof.mid-body" },
                cut = { class = "eof.in-prefix", rule = "multipart.prefix.cut" },
              },
              {
                field = "result",
                type = "bytes",
                length = "record_length",
                about = "PPResultV1, protobuf",
                message = "tensorwire.pp.v1.PPResultV1",
                eof = { class = "eof.in-body", rule = "len64.eof.mid-body" },
                cut = { class = "eof.in-body", rule = "multipart.record.cut" },
              },
            },
          },
          {
            record = "tensor_record",
            ["repeat"] = "to-end",
            limit = { option = "max_parts", class = "oversize.declared", rule = "multipart.limit.parts" },
            fields = {
              {
                field = "record_length",
                type = "u64be",
                about = "bytes of the record behind it",
                counts = "tensor",
                eof = { class = "eof.in-body", rule = "len64.eof.mid-body" },
                cut = { class = "eof.in-prefix", rule = "multipart.prefix.cut" },
              },
              {
                field = "tensor",
                type = "bytes",
                length = "record_length",
                about = "elements in C order, little-endian",
                eof = { class = "eof.in-body", rule = "len64.eof.mid-body" },
                cut = { class = "eof.in-body", rule = "multipart.record.cut" },
              },
            },
          },
        },
      },
    },
  },
  {
    profile = "tp",
    ports = "47107,47108",
    opening = {
      {
        field = "hello_length",
        type = "u64be",
        about = "bytes of the Hello; both are there in a deployment with a handshake",
        counts = "hello",
        limit = { most = 4096, class = "oversize.declared", rule = "link.hello.limit" },
        eof = { class = "eof.in-prefix", rule = "link.hello.cut" },
      },
      {
        field = "hello",
        type = "bytes",
        length = "hello_length",
        about = "Hello, protobuf",
        message = "tensorwire.link.v1.Hello",
        eof = { class = "eof.in-body", rule = "link.hello.cut" },
      },
    },
    message = {
      {
        field = "call_id",
        type = "i64le",
        about = "names the call; grows over all actions",
        eof = { class = "eof.in-header", rule = "tp.header.cut" },
      },
      {
        field = "chunk_index",
        type = "i64le",
        about = "position in the sequence that is generated; grows over INFER",
        eof = { class = "eof.in-header", rule = "tp.header.cut" },
      },
      {
        field = "control_epoch",
        type = "i64le",
        about = "counts the broadcasts of the leader",
        eof = { class = "eof.in-header", rule = "tp.header.cut" },
      },
      {
        field = "cache_epoch",
        type = "i64le",
        about = "counts the hard cuts: each one empties every worker's cache",
        eof = { class = "eof.in-header", rule = "tp.header.cut" },
      },
      {
        field = "action",
        type = "i64le",
        about = "NOOP 0, INFER 1, SHUTDOWN 2",
        values = { ["0"] = { name = "NOOP" }, ["1"] = { name = "INFER" }, ["2"] = { name = "SHUTDOWN" } },
        others = { class = "header.field", rule = "tp.action.unknown" },
        eof = { class = "eof.in-header", rule = "tp.header.cut" },
        expected = "0 NOOP, 1 INFER, 2 SHUTDOWN",
      },
      {
        ["if"] = { field = "action", is = "INFER" },
        nodes = {
          {
            field = "length",
            type = "u64be",
            about = "bytes of the frame's payload",
            counts = "payload",
            limit = { option = "max_frame_length", class = "oversize.declared", rule = "tp.infer.oversize" },
            eof = { class = "eof.in-prefix", rule = "tp.infer.cut-prefix" },
          },
          {
            frame = "payload",
            length = "length",
            records = {
              {
                record = "manifest_record",
                missing = { class = "eof.in-prefix", rule = "multipart.body.required" },
                fields = {
                  {
                    field = "record_length",
                    type = "u64be",
                    about = "bytes of the record behind it",
                    counts = "manifest",
                    eof = { class = "eof.in-body", rule = "tp.infer.cut-body" },
                    cut = { class = "eof.in-prefix", rule = "multipart.prefix.cut" },
                  },
                  {
                    field = "manifest",
                    type = "bytes",
                    length = "record_length",
                    about = "TPManifest, protobuf",
                    message = "tensorwire.tp.v1.TPManifest",
                    eof = { class = "eof.in-body", rule = "tp.infer.cut-body" },
                    cut = { class = "eof.in-body", rule = "multipart.record.cut" },
                  },
                },
              },
              {
                record = "tensor_record",
                ["repeat"] = "to-end",
                limit = { option = "max_parts", class = "oversize.declared", rule = "multipart.limit.parts" },
                fields = {
                  {
                    field = "record_length",
                    type = "u64be",
                    about = "bytes of the record behind it",
                    counts = "tensor",
                    eof = { class = "eof.in-body", rule = "tp.infer.cut-body" },
                    cut = { class = "eof.in-prefix", rule = "multipart.prefix.cut" },
                  },
                  {
                    field = "tensor",
                    type = "bytes",
                    length = "record_length",
                    about = "elements in C order, little-endian",
                    eof = { class = "eof.in-body", rule = "tp.infer.cut-body" },
                    cut = { class = "eof.in-body", rule = "multipart.record.cut" },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
}

-- What is done with LAYOUTS, the table above. Runs in every Lua from 5.2 on.

local WIDTH = { u8 = 1, u32be = 4, u56be = 7, u64be = 8, i64le = 8 }
-- Larger values of desegment_len have a meaning of their own.
local MOST_MISSING = 0x0ffffffd
local LOW_63 = UInt64.new(0xffffffff, 0x7fffffff)

local tcp_stream = Field.new("tcp.stream")
local tcp_port = Field.new("tcp.srcport")
local tcp_fin = Field.new("tcp.flags.fin")
local protobuf = Dissector.get("protobuf")

-- Of each direction of a connection, while the packets are first read: what an end would be called, the packet with the first message, that with the
-- first error, and whether it carries what comes back.
local due, began, failed, turned = {}, {}, {}, {}
-- By packet: what its FIN cuts off.
local cut_off = {}

local function direction()
  local stream, port = tcp_stream(), tcp_port()
  return stream and port and (tostring(stream.value) .. " " .. tostring(port.value))
end

-- The value for the tree, as decimal digits, and whether the top bit is set that is no part of it.
local function number(node, range)
  local value
  if node.type == "i64le" then
    value = range:le_int64()
  elseif WIDTH[node.type] > 4 then
    value = range:uint64()
  else
    value = range:uint()
    return value, string.format("%d", value), false
  end
  local flag = node.top_bit ~= nil and range(0, 1):uint() >= 128
  if node.top_bit then value = value:band(LOW_63) end
  return value, tostring(value), flag
end

-- An error of the layout at the value `digits` of a number, with a text for people; nil where it is fine.
local function refusal(node, digits, prefs)
  if node.values then
    local known = node.values[digits]
    local wrong = node.others
    if known then wrong = known.refused end
    if wrong then return wrong, "expected " .. node.expected .. ", got " .. digits end
  end
  local limit = node.limit
  local most = limit and (limit.most or prefs[limit.option])
  if most and tonumber(digits) > most then
    return limit, digits .. " is above the limit of " .. string.format("%d", most)
  end
end

local function chosen(node, seen)
  local what = seen[node["if"].field]
  return what.name == node["if"].is or (what.flag and what.bit == node["if"].is)
end

local function remember(seen, node, digits, flag)
  local known = node.values and node.values[digits]
  seen[node.field] = { size = tonumber(digits), name = known and known.name, bit = node.top_bit, flag = flag }
end

-- What an end of the stream is called where a node begins.
local function eof_of(node)
  return node.eof or node.records[1].fields[1].eof
end

-- How long the message at `from` is, without a look at what its frame holds. Or what lacks for that; or where it stops being one.
local function measure(nodes, tvb, from, prefs, seen)
  for _, node in ipairs(nodes) do
    if node["if"] then
      if chosen(node, seen) then
        local result = measure(node.nodes, tvb, from, prefs, seen)
        if not result.at then return result end
        from = result.at
      end
    else
      local is_number = WIDTH[node.type] ~= nil
      local size = WIDTH[node.type] or seen[node.length].size
      local missing = from + size - tvb:len()
      if missing > 0 then
        return { missing = is_number and DESEGMENT_ONE_MORE_SEGMENT or math.min(missing, MOST_MISSING), eof = eof_of(node) }
      end
      if is_number then
        local _, digits, flag = number(node, tvb(from, size))
        if refusal(node, digits, prefs) then return { stop = from + size } end
        remember(seen, node, digits, flag)
      end
      from = from + size
    end
  end
  return { at = from }
end

-- A Hello where a direction begins: a length of two bytes, and field 1 of a protobuf message. No message of a profile that may have one in front begins
-- like this, unless a call_id has its low 48 bits clear.
local function is_opening(tvb)
  return tvb:len() > 8 and tvb(0, 4):uint() == 0 and tvb(4, 4):uint() > 1 and tvb(4, 4):uint() < 65536 and tvb(8, 1):uint() == 8
end

local Shower = {}
Shower.__index = Shower

function Shower:blame(item, wrong, text)
  item:add_proto_expert_info(self.experts[wrong.class], wrong.class .. ": " .. text .. " r[" .. wrong.rule .. "]")
  self.bad = true
end

function Shower:number(node, tree, at)
  local range = self.tvb(at, WIDTH[node.type])
  local value, digits, flag = number(node, range)
  local item = tree:add(self.fields[node.field], range, value)
  local known = node.values and node.values[digits]
  if known then item:append_text(" (" .. known.name .. ")") end
  if node.top_bit then tree:add(self.fields[node.top_bit], range(0, 1), flag):set_generated() end
  remember(self.seen, node, digits, flag)
  local wrong, text = refusal(node, digits, self.prefs)
  if wrong then self:blame(item, wrong, node.field .. ": " .. text) end
  self.summary[#self.summary + 1] = known and known.name or (node.field .. "=" .. digits)
  return at + WIDTH[node.type]
end

-- Shows nodes from `at` on, in a frame that ends at `to`. Where they end; nil where the frame ended in one.
function Shower:nodes(nodes, tree, at, to)
  for _, node in ipairs(nodes) do
    if node["if"] then
      if chosen(node, self.seen) then at = self:nodes(node.nodes, tree, at, to) end
    elseif node.frame then
      self:records(node, tree, at, at + self.seen[node.length].size)
      at = at + self.seen[node.length].size
    else
      local size = WIDTH[node.type] or self.seen[node.length].size
      if size > to - at then
        local rest = to > at and tree:add(self.tvb(at, to - at), node.field .. ", cut") or tree
        self:blame(rest, node.cut, node.field .. " has " .. (to - at) .. " bytes of " .. string.format("%.0f", size) .. " left in its frame")
        return nil
      end
      if WIDTH[node.type] then
        at = self:number(node, tree, at)
      else
        self:bytes(node, tree, at, size)
        at = at + size
      end
    end
    if not at or at == self.stop then return nil end
  end
  return at
end

function Shower:bytes(node, tree, at, size)
  local range = self.tvb:range(at, size)
  local item = tree:add(self.fields[node.field], range)
  if size == 0 then item:set_text(node.field .. ": 0 bytes") end
  if node.message and protobuf and size > 0 then
    self.pinfo.private["pb_msg_type"] = "message," .. node.message
    pcall(protobuf.call, protobuf, range:tvb(), self.pinfo, tree)
  end
end

function Shower:records(frame, tree, at, to)
  -- What is in the frame is told by its records.
  local summary = self.summary
  for _, record in ipairs(frame.records) do
    local count = 0
    if not record["repeat"] and at == to then
      self:blame(tree, record.missing, "the frame has no " .. record.record)
      break
    end
    while at < to and (record["repeat"] or count == 0) do
      local title = record["repeat"] and (record.record .. " " .. count) or record.record
      local branch = tree:add(self.tvb(at, to - at), title)
      self.summary = {}
      local next_at = self:nodes(record.fields, branch, at, to)
      self.summary = summary
      count = count + 1
      local limit = record.limit
      if limit and count == self.prefs[limit.option] + 1 then
        self:blame(branch, limit, "more than " .. string.format("%d", self.prefs[limit.option]) .. " of " .. record.record)
      end
      if not next_at then return end
      branch:set_len(next_at - at)
      at = next_at
    end
  end
end

-- Whether a direction carries what comes back, results, instead of requests. Told at the first message: a length and a first record within it, both of
-- less than 4 GiB, where a request has its call_id and chunk_index. A result has two bytes at least, its version.
local function comes_back(key, tvb, from)
  if turned[key] == nil and tvb:len() - from >= 16 then
    local length, first = tvb(from + 4, 4):uint(), tvb(from + 12, 4):uint()
    turned[key] = tvb(from, 4):uint() == 0 and tvb(from + 8, 4):uint() == 0 and first >= 2 and first + 8 <= length
  end
  return turned[key]
end

-- The layouts by profile, once they are registered: each with its proto, fields and experts.
local registered = {}

local function dissect(layout, tvb, pinfo, tree)
  -- A capture that was cut short has no message that could be put together.
  if tvb:len() < tvb:reported_len() then return 0 end
  local key = direction() or "?"
  local spoken = turned[key] and registered[layout.back] or layout
  local title = {}
  local from = 0
  local function unread(at)
    tree:add(spoken.proto, tvb(at), spoken.profile .. ", behind an error: not read"):set_generated()
  end
  local function name_columns()
    pinfo.cols.protocol:set(spoken.profile)
    pinfo.cols.info:set(table.concat(title, "; "))
    pinfo.cols.info:fence()
  end
  if failed[key] and failed[key] < pinfo.number then
    unread(0)
    title = { "behind an error" }
    name_columns()
    return tvb:len()
  end
  while from < tvb:len() do
    local begins = from == 0 and (not began[key] or began[key] == pinfo.number)
    local nodes
    if layout.opening and layout.proto.prefs.handshake and begins and is_opening(tvb) then
      nodes = layout.opening
    else
      if layout.back and comes_back(key, tvb, from) then spoken = registered[layout.back] end
      nodes = spoken.message
    end
    local result = measure(nodes, tvb, from, spoken.proto.prefs, {})
    if result.missing then
      if not pinfo.visited then due[key] = result.eof end
      pinfo.desegment_offset = from
      pinfo.desegment_len = result.missing
      break
    end
    if not pinfo.visited then
      due[key] = nil
      began[key] = began[key] or pinfo.number
    end
    local to = result.at or result.stop
    local item = tree:add(spoken.proto, tvb(from, to - from))
    local shower = setmetatable({
      tvb = tvb, pinfo = pinfo, prefs = spoken.proto.prefs, fields = spoken.fields, experts = spoken.experts,
      seen = {}, summary = {}, bad = false, stop = result.stop,
    }, Shower)
    shower:nodes(nodes, item, from, to)
    local text = nodes == layout.opening and "Hello" or table.concat(shower.summary, " ")
    item:set_text(spoken.profile .. ", " .. text)
    title[#title + 1] = text
    from = to
    if shower.bad then
      failed[key] = failed[key] or pinfo.number
      if from < tvb:len() then unread(from) end
      from = tvb:len()
    end
  end
  if #title > 0 then name_columns() end
  return tvb:len()
end

local NUMBER = { u8 = ProtoField.uint8, u32be = ProtoField.uint32, u56be = ProtoField.uint64, u64be = ProtoField.uint64, i64le = ProtoField.int64 }

local function register(layout)
  local prefix = "tensorwire." .. layout.profile
  local proto = Proto(prefix, "tensorwire " .. layout.profile)
  local fields, experts, limits = {}, {}, {}
  local function expert_of(wrong)
    if not wrong or experts[wrong.class] then return end
    experts[wrong.class] = ProtoExpert.new(prefix .. ".error." .. wrong.class, wrong.class, expert.group.PROTOCOL, expert.severity.ERROR)
  end
  local function visit(nodes)
    for _, node in ipairs(nodes) do
      if node["if"] then
        visit(node.nodes)
      elseif node.frame then
        for _, record in ipairs(node.records) do
          expert_of(record.missing)
          expert_of(record.limit)
          if record.limit then limits[record.limit.option] = true end
          visit(record.fields)
        end
      else
        local abbr = prefix .. "." .. node.field
        if not fields[node.field] then
          if NUMBER[node.type] then
            fields[node.field] = NUMBER[node.type](abbr, node.field, base.DEC, nil, nil, node.about)
          else
            fields[node.field] = ProtoField.bytes(abbr, node.field, base.NONE, node.about)
          end
        end
        if node.top_bit and not fields[node.top_bit] then
          fields[node.top_bit] = ProtoField.bool(prefix .. "." .. node.top_bit, node.top_bit)
        end
        expert_of(node.eof)
        expert_of(node.cut)
        expert_of(node.limit)
        expert_of(node.others)
        if node.limit and node.limit.option then limits[node.limit.option] = true end
        for _, value in pairs(node.values or {}) do expert_of(value.refused) end
      end
    end
  end
  visit(layout.opening or {})
  visit(layout.message)
  proto.fields = fields
  proto.experts = experts

  proto.prefs.ports = Pref.range("TCP ports", layout.ports, "Ports whose streams are " .. layout.profile .. ", like 7000,7010-7012; or Decode As", 65535)
  if limits.max_frame_length then
    proto.prefs.max_frame_length = Pref.uint("Limit of a frame", 16777216, "max_frame_length of the receiver, in bytes")
  end
  if limits.max_parts then
    proto.prefs.max_parts = Pref.uint("Limit of parts", 1024, "max_parts of the receiver")
  end

  if layout.opening then
    proto.prefs.handshake = Pref.bool("Handshake", true, "A Hello may stand before the first message of a direction")
  end

  local tcp = DissectorTable.get("tcp.port")
  tcp:add_for_decode_as(proto)
  local ports = layout.ports
  tcp:add(ports, proto)
  function proto.prefs_changed()
    if ports ~= proto.prefs.ports then
      if ports ~= "" then tcp:remove(ports, proto) end
      ports = proto.prefs.ports
      if ports ~= "" then tcp:add(ports, proto) end
    end
  end
  function proto.dissector(tvb, pinfo, tree)
    return dissect(layout, tvb, pinfo, tree)
  end
  layout.proto, layout.fields, layout.experts = proto, fields, experts
  registered[layout.profile] = layout
end

for _, layout in ipairs(LAYOUTS) do register(layout) end

-- An end inside a message shows where the stream ends, which may be a packet without a byte.
local ends = Proto("tensorwire", "tensorwire, ends of streams")
function ends.init()
  due, began, failed, turned, cut_off = {}, {}, {}, {}, {}
end
ends.experts.eof = ProtoExpert.new("tensorwire.eof", "end inside a message", expert.group.PROTOCOL, expert.severity.ERROR)
function ends.dissector(_, pinfo, tree)
  local fin = tcp_fin()
  if fin and fin.value and not pinfo.visited then
    local key = direction()
    if key and due[key] and not failed[key] then cut_off[pinfo.number] = due[key] end
  end
  local wrong = cut_off[pinfo.number]
  if wrong then
    local item = tree:add(ends, "tensorwire, end of the stream")
    item:add_proto_expert_info(ends.experts.eof, wrong.class .. ": the stream ends inside a message r[" .. wrong.rule .. "]")
  end
end
register_postdissector(ends)
