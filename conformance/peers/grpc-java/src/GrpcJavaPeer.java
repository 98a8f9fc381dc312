import com.google.gson.JsonObject;
import io.grpc.Codec;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.internal.GrpcUtil;
import io.grpc.internal.MessageDeframer;
import io.grpc.internal.MessageFramer;
import io.grpc.internal.ReadableBuffers;
import io.grpc.internal.StatsTraceContext;
import io.grpc.internal.StreamListener;
import io.grpc.internal.TransportTracer;
import io.grpc.internal.WritableBuffer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tensorwire.peers.Peer;
import tensorwire.peers.Shim;

/** grpc-java's MessageDeframer and MessageFramer: what its transports put between DATA frames and messages. */
public final class GrpcJavaPeer implements Peer {
  public static void main(String[] arguments) throws IOException {
    Shim.serve(new GrpcJavaPeer());
  }

  @Override
  public String name() {
    return "grpc-core";
  }

  @Override
  public String version() {
    return GrpcUtil.getGrpcBuildVersion().getImplementationVersion();
  }

  @Override
  public String granularity() {
    return "stage";
  }

  @Override
  public Map<String, Profile> profiles() {
    return Map.of("grpc-lpm", new Profile(5, Integer.MAX_VALUE));
  }

  @Override
  public Decoder open(String profile, int limit) {
    return new Deframer(limit);
  }

  private static final class Deframer implements Decoder, MessageDeframer.Listener {
    private final MessageDeframer deframer;
    private List<Found> found = new ArrayList<>();

    Deframer(int limit) {
      deframer = new MessageDeframer(this, Codec.Identity.NONE, limit, StatsTraceContext.NOOP, new TransportTracer());
      deframer.request(Integer.MAX_VALUE);
    }

    @Override
    public List<Found> feed(byte[] chunk) {
      return step(() -> deframer.deframe(ReadableBuffers.wrap(chunk)));
    }

    @Override
    public List<Found> end() {
      return step(deframer::closeWhenComplete);
    }

    private List<Found> step(Runnable step) {
      found = new ArrayList<>();
      try {
        step.run();
      } catch (StatusRuntimeException error) {
        found.add(new Refusal(word(error.getStatus()), error.getStatus().getDescription()));
        deframer.close(); // as the transports do
      }
      return found;
    }

    /** Both judgements of the flag have the code INTERNAL: their text alone tells them apart. */
    private static String word(Status status) {
      if (status.getCode() == Status.Code.RESOURCE_EXHAUSTED) return "oversize";
      return status.getDescription().contains("reserved bits") ? "flags" : "codec";
    }

    @Override
    public void messagesAvailable(StreamListener.MessageProducer producer) {
      for (InputStream message = producer.next(); message != null; message = producer.next()) {
        JsonObject value = new JsonObject();
        value.addProperty("flag", 0);
        try (InputStream payload = message) {
          found.add(new Message(value, payload.readAllBytes()));
        } catch (IOException error) {
          throw new UncheckedIOException(error);
        }
      }
    }

    @Override
    public void deframerClosed(boolean hasPartialMessage) {
      if (hasPartialMessage) found.add(new Refusal("eof", "the deframer closed with a partial message"));
    }

    @Override
    public void deframeFailed(Throwable cause) {
      throw new IllegalStateException(cause);
    }

    @Override
    public void bytesRead(int count) {}
  }

  @Override
  public byte[] encode(String profile, int limit, JsonObject value) throws Declined, Refused {
    if (value.get("flag").getAsInt() != 0) throw new Declined("step", "the framer sets the flag itself");
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    MessageFramer framer =
        new MessageFramer(
            (buffer, endOfStream, flush, messages) -> {
              if (buffer != null) frame.writeBytes(((Buffer) buffer).bytes.toByteArray());
            },
            Buffer::new,
            StatsTraceContext.NOOP);
    framer.setMaxOutboundMessageSize(limit);
    try {
      framer.writePayload(new ByteArrayInputStream(Shim.build(value.get("payload"))));
    } catch (StatusRuntimeException error) {
      if (error.getStatus().getCode() != Status.Code.RESOURCE_EXHAUSTED) throw error;
      throw new Refused("oversize", error.getStatus().getDescription());
    }
    framer.flush();
    return frame.toByteArray();
  }

  /** A buffer of the capacity that the framer asks for. */
  private static final class Buffer implements WritableBuffer {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final int capacity;

    Buffer(int capacity) {
      this.capacity = capacity;
    }

    @Override
    public void write(byte[] from, int offset, int length) {
      bytes.write(from, offset, length);
    }

    @Override
    public void write(byte one) {
      bytes.write(one);
    }

    @Override
    public int writableBytes() {
      return capacity - bytes.size();
    }

    @Override
    public int readableBytes() {
      return bytes.size();
    }

    @Override
    public void release() {}
  }
}
