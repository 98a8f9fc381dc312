package tensorwire.peers;

import com.google.gson.JsonObject;
import java.util.List;
import java.util.Map;

/** A library, as the shim asks it. */
public interface Peer {
  String name();

  String version();

  /** {@code class} or {@code stage}. */
  String granularity();

  Map<String, Profile> profiles();

  Decoder open(String profile, int limit) throws Declined;

  /** The bytes of one frame. */
  byte[] encode(String profile, int limit, JsonObject value) throws Declined, Refused;

  /** The length of the prefix, and the largest limit that the library takes. */
  record Profile(int prefix, int maxFrameLength) {}

  interface Decoder {
    /** One read. */
    List<Found> feed(byte[] chunk) throws Declined;

    /** The stream ends. What the library says of it; nothing is a clean end. */
    List<Found> end() throws Declined;
  }

  /** What a library handed out. */
  sealed interface Found permits Message, Refusal {}

  /** A message: its value without the payload, and the payload. */
  record Message(JsonObject value, byte[] payload) implements Found {}

  /** The library's own error: the class or stage that it comes to, and its text. */
  record Refusal(String word, String text) implements Found {}

  /** An encoder's error. */
  final class Refused extends Exception {
    final Refusal refusal;

    public Refused(String word, String text) {
      refusal = new Refusal(word, text);
    }
  }

  /** What the library cannot be asked. */
  final class Declined extends Exception {
    final String reason;

    public Declined(String reason, String text) {
      super(text);
      this.reason = reason;
    }
  }
}
