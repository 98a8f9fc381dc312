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
