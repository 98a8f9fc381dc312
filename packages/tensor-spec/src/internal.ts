/** For the protocols alone, whose `prepare…` functions validate their own fields before they hand them over. */
export { type MessageParts, prepareMessage } from "./prepared-message.ts";
