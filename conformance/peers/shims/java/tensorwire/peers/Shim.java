package tensorwire.peers;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/** Speaks level 1 of the IUT protocol for a library ({@code spec/iut-protocol.md}). */
public final class Shim {
  /** A longer run is not built to have a library refuse it: the case is declined. */
  private static final long MAX_BUILT = 64 << 20;

  private final Peer peer;

  private Shim(Peer peer) {
    this.peer = peer;
  }

  /** Dials back, and answers until the harness says bye. */
  public static void serve(Peer peer) throws IOException {
    String[] place = System.getenv("TENSORWIRE_ADDR").split(":");
    try (Socket socket = new Socket(place[0], Integer.parseInt(place[1]))) {
      socket.setTcpNoDelay(true);
      Shim shim = new Shim(peer);
      send(socket, shim.hello());
      var lines = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        JsonObject message = JsonParser.parseString(line).getAsJsonObject();
        String op = message.get("op").getAsString();
        if (op.equals("bye")) return;
        if (!op.equals("welcome")) send(socket, shim.answer(op, message));
      }
    }
  }

  private static void send(Socket socket, JsonObject message) throws IOException {
    socket.getOutputStream().write((message + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private JsonObject hello() {
    JsonObject iut = new JsonObject();
    iut.addProperty("name", peer.name());
    iut.addProperty("version", peer.version());
    iut.addProperty("language", "java");
    JsonObject profiles = new JsonObject();
    peer.profiles()
        .forEach(
            (name, profile) -> {
              JsonObject declared = new JsonObject();
              declared.add("roles", JsonParser.parseString("[\"decode\",\"encode\"]"));
              declared.addProperty("max_frame_length", String.valueOf(profile.maxFrameLength()));
              profiles.add(name, declared);
            });
    JsonObject hello = new JsonObject();
    hello.addProperty("op", "hello");
    hello.addProperty("protocol", 1);
    String token = System.getenv("TENSORWIRE_TOKEN");
    hello.addProperty("token", token == null ? "" : token);
    hello.add("iut", iut);
    hello.add("profiles", profiles);
    hello.add("capabilities", new JsonArray());
    hello.addProperty("error_granularity", peer.granularity());
    return hello;
  }

  private JsonObject answer(String op, JsonObject request) {
    JsonObject answer = new JsonObject();
    answer.add("seq", request.get("seq"));
    try {
      if (!op.equals("case")) throw new Peer.Declined("operation", "");
      answer.add("steps", runCase(request));
      answer.addProperty("op", "result");
    } catch (Peer.Declined declined) {
      answer.addProperty("op", "declined");
      answer.addProperty("reason", declined.reason);
      answer.addProperty("text", declined.getMessage());
    } catch (RuntimeException error) {
      answer.remove("steps");
      answer.addProperty("op", "errored");
      answer.addProperty("text", error.toString());
    }
    return answer;
  }

  private JsonArray runCase(JsonObject request) throws Peer.Declined {
    String name = request.get("profile").getAsString();
    Peer.Profile profile = peer.profiles().get(name);
    if (profile == null) throw new Peer.Declined("profile", "");
    JsonElement given = request.getAsJsonObject("limits").get("max_frame_length");
    long limit = given == null ? profile.maxFrameLength() : Long.parseUnsignedLong(given.getAsString());
    if (Long.compareUnsigned(limit, profile.maxFrameLength()) > 0) {
      throw new Peer.Declined("limit", "above " + profile.maxFrameLength());
    }
    Stream stream = new Stream(profile.prefix(), peer.open(name, (int) limit));
    JsonArray lists = new JsonArray();
    for (JsonElement step : request.getAsJsonArray("steps")) {
      var field = step.getAsJsonObject().entrySet().iterator().next();
      JsonElement value = field.getValue();
      switch (field.getKey()) {
        case "reset" -> {
          stream = new Stream(profile.prefix(), peer.open(name, (int) limit));
          lists.add(new JsonArray());
        }
        case "feed", "feed_fill" -> lists.add(stream.feed(build(value)));
        case "eof" -> lists.add(stream.end());
        case "encode" -> lists.add(encode(name, (int) limit, value.getAsJsonObject()));
        default -> throw new Peer.Declined("step", field.getKey());
      }
    }
    return lists;
  }

  private JsonArray encode(String profile, int limit, JsonObject value) throws Peer.Declined {
    JsonArray events = new JsonArray();
    try {
      JsonElement shown = show(peer.encode(profile, limit, value));
      JsonObject event = shown.isJsonObject() ? shown.getAsJsonObject() : new JsonObject();
      event.addProperty("event", "bytes");
      if (!shown.isJsonObject()) event.add("hex", shown);
      events.add(event);
    } catch (Peer.Refused refused) {
      events.add(error(refused.refusal, 0, false));
    }
    return events;
  }

  /** The bytes of a request: hex, or a run of one byte. */
  public static byte[] build(JsonElement value) throws Peer.Declined {
    if (!value.isJsonObject()) return HexFormat.of().parseHex(value.getAsString());
    JsonObject run = value.getAsJsonObject();
    if (run.has("fill")) run = run.getAsJsonObject("fill");
    long count = run.get("count").getAsLong();
    if (count > MAX_BUILT) {
      throw new Peer.Declined("limit", count + " bytes are not built here for a library to refuse");
    }
    byte[] bytes = new byte[(int) count];
    Arrays.fill(bytes, run.get("byte").getAsByte());
    return bytes;
  }

  /** Hex, or length and digest of more than 4,096 bytes. */
  private static JsonElement show(byte[] bytes) {
    if (bytes.length <= 4096) return new com.google.gson.JsonPrimitive(HexFormat.of().formatHex(bytes));
    try {
      JsonObject digest = new JsonObject();
      digest.addProperty("length", bytes.length);
      digest.addProperty("sha256", HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)));
      return digest;
    } catch (NoSuchAlgorithmException error) {
      throw new IllegalStateException(error);
    }
  }

  private static JsonObject error(Peer.Refusal refusal, long at, boolean fatal) {
    JsonObject event = new JsonObject();
    event.addProperty("event", "error");
    event.addProperty("class", refusal.word());
    event.addProperty("at", String.valueOf(at));
    event.addProperty("fatal", fatal);
    event.addProperty("text", refusal.text());
    return event;
  }

  /** One connection: it counts bytes, since the libraries name no offsets. */
  private static final class Stream {
    private final int prefix;
    private final Peer.Decoder decoder;
    private long fed;

    /** Where the frame begins that comes next: behind what was handed out. */
    private long start;

    private boolean refused;

    Stream(int prefix, Peer.Decoder decoder) {
      this.prefix = prefix;
      this.decoder = decoder;
    }

    JsonArray feed(byte[] chunk) throws Peer.Declined {
      fed += chunk.length;
      return events(decoder.feed(chunk));
    }

    JsonArray end() throws Peer.Declined {
      JsonArray events = events(decoder.end());
      if (!refused) {
        JsonObject end = new JsonObject();
        end.addProperty("event", "end");
        events.add(end);
      }
      return events;
    }

    /** An error is told once: to repeat it is to be sticky. A message after it is told, and is wrong. */
    private JsonArray events(List<Peer.Found> found) {
      JsonArray events = new JsonArray();
      for (Peer.Found item : found) {
        if (item instanceof Peer.Message message) {
          start += prefix + message.payload().length;
          message.value().add("payload", show(message.payload()));
          JsonObject event = new JsonObject();
          event.addProperty("event", "message");
          event.add("value", message.value());
          events.add(event);
        } else if (item instanceof Peer.Refusal refusal && !refused) {
          refused = true;
          events.add(error(refusal, at(refusal.word()), true));
        }
      }
      return events;
    }

    /** The offset that an error of this kind has. */
    private long at(String word) {
      if (word.startsWith("eof")) return fed;
      return start + (word.startsWith("codec") || word.startsWith("flags") ? 1 : prefix);
    }
  }
}
