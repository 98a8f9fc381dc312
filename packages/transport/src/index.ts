export {
  type Address,
  formatAddress,
  isLoopback,
  parseAddress,
  type TcpAddress,
  toAddress,
  type UnixAddress,
} from "./address.ts";
export { type Clock, systemClock } from "./clock.ts";
export { type ConnectOptions, connect } from "./connect.ts";
export type { CloseReason, Connection, ConnectionCounters } from "./connection.ts";
export { ConnectionOver } from "./connection-over.ts";
export { checkCounts, checkDeadlines, DEFAULT_LIMITS, type Limits } from "./limits.ts";
export { DEFAULT_BIND, type Listener, type ListenOptions, listen } from "./listen.ts";
export { type Chunking, type MemoryPairOptions, memoryPair } from "./memory.ts";
export { checkDial, type Protection } from "./protected.ts";
export type { ConnectionOptions } from "./stream-connection.ts";
export type { TlsOptions } from "./tls-files.ts";
