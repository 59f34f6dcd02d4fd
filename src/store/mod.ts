/**
 * For authors of stores: the contract that a store fulfils, helpers to write one, and the suite that checks it.
 *
 * It imports no module of Node, so that it can be used on every runtime.
 *
 * @example
 * ```ts
 * import { type Store, storeSuite } from "httpfstream/store";
 * ```
 * @module
 */
export { type ByteReader, byteReader } from "../engine/storage/byte-reader.ts";
export { appenderConflict, belowResource, folderInPlace } from "../engine/storage/conflicts.ts";
export { lookAgain } from "../engine/storage/look-again.ts";
export { compareNames, SortedNames } from "../engine/storage/name-order.ts";
export { type RangeSource, rangeStream } from "../engine/storage/range-stream.ts";
export type {
  AppendHandle,
  AppendUpdate,
  ClaimOptions,
  ListOptions,
  SessionClaim,
  SessionRecord,
  SessionRecords,
  Store,
  StoreCounts,
  StoreEntry,
  StoreListing,
  StoreStat,
} from "../engine/storage/store.ts";
export { guardedStore } from "../engine/storage/store-guard.ts";
export {
  changedState,
  type ForkOrigin,
  type Lifetime,
  type ProducerStamp,
  type ProducerState,
  type StreamChange,
  type StreamRecords,
  type StreamState,
} from "../engine/storage/stream-state.ts";
export type {
  StreamLink,
  SubscriptionChange,
  SubscriptionConfig,
  SubscriptionName,
  SubscriptionRecord,
  SubscriptionRecords,
  Wake,
} from "../engine/storage/subscription-record.ts";
export { storeUnavailable } from "../engine/storage/unavailable.ts";
export { END_REASONS, type EndedReason, type EndReason } from "../protocol/end-reason.ts";
export {
  ERROR_CODES,
  type ErrorCode,
  StreamError,
  type StreamErrorOptions,
  type WireForm,
} from "../protocol/errors.ts";
export { checkGeneration } from "../protocol/generation.ts";
export { checkedPath, isAddressable, RESERVED_SEGMENT, SEGMENT_BYTES } from "../protocol/path.ts";
export { newGeneration } from "../support/token.ts";
export { type OtherProcess, storeActor } from "./suite/actor.ts";
export { type OpenStore, type RegisterTest, type StoreSuiteOptions, storeSuite } from "./suite/suite.ts";
