/**
 * What every server entry exports.
 * @module
 */
export type {
  BeginEvent,
  DeliveryEvent,
  EndEvent,
  FailureEvent,
  Log,
  LogEvent,
  RefusalEvent,
  RequestEvent,
  ShutdownBeginEvent,
  ShutdownEndEvent,
  Transport,
} from "./engine/events.ts";
export { DEFAULT_LIMITS, type Limits } from "./engine/limits.ts";
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
} from "./engine/storage/store.ts";
export type {
  ForkOrigin,
  Lifetime,
  ProducerStamp,
  ProducerState,
  StreamChange,
  StreamRecords,
  StreamState,
} from "./engine/storage/stream-state.ts";
export type {
  StreamLink,
  SubscriptionChange,
  SubscriptionConfig,
  SubscriptionName,
  SubscriptionRecord,
  SubscriptionRecords,
  Wake,
} from "./engine/storage/subscription-record.ts";
export type {
  AppendBegan,
  AppendEnded,
  FollowBegan,
  FollowEnded,
  RequestRefused,
  StreamEvent,
  StreamRemoved,
} from "./engine/stream-event.ts";
export type { AppendSource, Chunk } from "./protocol/append-source.ts";
export { END_REASONS, type EndedReason, type EndReason } from "./protocol/end-reason.ts";
export {
  ERROR_CODES,
  type ErrorCode,
  StreamError,
  type StreamErrorOptions,
  type WireForm,
} from "./protocol/errors.ts";
export type { StreamApp } from "./server/app.ts";
export type {
  AccessDecision,
  AccessRequest,
  Action,
  Authorize,
  Permission,
  Refusal,
} from "./server/gate/gate.ts";
export type { AppOptions } from "./server/options.ts";
export type { Deletes } from "./server/request/deletes.ts";
export type { Scope } from "./server/request/scope.ts";
export type { LocalAppendOptions, LocalAppendStream } from "./server/streams/append-stream.ts";
export type { LocalFollowOptions } from "./server/streams/follow.ts";
export type { LocalFollowEnd, LocalFollowStream } from "./server/streams/follow-stream.ts";
export type { LocalReadOptions } from "./server/streams/read.ts";
export type { LocalAppendResult, StreamStat, Streams } from "./server/streams/streams.ts";
export { memoryStore } from "./stores/memory.ts";
