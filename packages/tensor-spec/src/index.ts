export { DEFAULT_DTYPES, DTYPE_SIZES, type Dtype, isDtype } from "./dtype.ts";
export { type MessageLimits, messageLimits } from "./limits.ts";
export { PreparedMessage, type TensorSource } from "./prepared-message.ts";
export { printable, show } from "./show.ts";
export {
  type Blame,
  byteLengthOf,
  checkSpecs,
  compareSpecs,
  nameOf,
  peerFault,
  type RawSpec,
  type TensorSpec,
} from "./spec.ts";
export { type Tensor, takeTensors } from "./tensor.ts";
