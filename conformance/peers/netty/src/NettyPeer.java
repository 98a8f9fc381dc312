import com.google.gson.JsonObject;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.CorruptedFrameException;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.codec.LengthFieldPrepender;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.util.Version;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tensorwire.peers.Peer;
import tensorwire.peers.Shim;

/** Netty's LengthFieldBasedFrameDecoder and LengthFieldPrepender, each in an EmbeddedChannel. */
public final class NettyPeer implements Peer {
  private static final int WIDEST = Integer.MAX_VALUE;

  public static void main(String[] arguments) throws IOException {
    Shim.serve(new NettyPeer());
  }

  @Override
  public String name() {
    return "netty-codec-base";
  }

  @Override
  public String version() {
    return Version.identify().get("netty-codec-base").artifactVersion();
  }

  @Override
  public String granularity() {
    return "stage";
  }

  /** Netty's maximum is an int that counts the length field too. */
  @Override
  public Map<String, Profile> profiles() {
    return Map.of("len32", new Profile(4, WIDEST - 4), "len64", new Profile(8, WIDEST - 8));
  }

  @Override
  public Decoder open(String profile, int limit) {
    int width = width(profile);
    var channel = new EmbeddedChannel(new LengthFieldBasedFrameDecoder(limit + width, 0, width, 0, width));
    return new Decoder() {
      @Override
      public List<Found> feed(byte[] chunk) {
        return drain(channel, () -> channel.writeInbound(Unpooled.wrappedBuffer(chunk)));
      }

      @Override
      public List<Found> end() {
        return drain(channel, channel::finish);
      }
    };
  }

  /** What one step brings: messages, then what was thrown. The channel goes on afterwards, as a pipeline would. */
  private static List<Found> drain(EmbeddedChannel channel, Runnable step) {
    Refusal refusal = null;
    try {
      step.run();
    } catch (TooLongFrameException error) {
      refusal = new Refusal("oversize", error.getMessage());
    } catch (CorruptedFrameException error) {
      refusal = new Refusal("header", error.getMessage());
    }
    List<Found> found = new ArrayList<>();
    for (ByteBuf frame = channel.readInbound(); frame != null; frame = channel.readInbound()) {
      found.add(new Message(new JsonObject(), ByteBufUtil.getBytes(frame)));
      frame.release();
    }
    if (refusal != null) found.add(refusal);
    return found;
  }

  /** The prepender has no maximum. */
  @Override
  public byte[] encode(String profile, int limit, JsonObject value) throws Declined {
    var channel = new EmbeddedChannel(new LengthFieldPrepender(width(profile)));
    channel.writeOutbound(Unpooled.wrappedBuffer(Shim.build(value.get("payload"))));
    ByteBuf frame = Unpooled.buffer();
    for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
      frame.writeBytes(part);
      part.release();
    }
    return ByteBufUtil.getBytes(frame);
  }

  private static int width(String profile) {
    return profile.equals("len32") ? 4 : 8;
  }
}
