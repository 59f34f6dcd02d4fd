/** The load of the followers of one path on the servers, by the way in which they follow. @module */
import type { Costs } from "./costs.ts";
import { byteSeconds, kib, type ServerLoad } from "./model.ts";

/** By WebSocket, by server-sent events, or by long-polls. */
export type Way = "websocket" | "events" | "polls";

export interface Audience {
  readonly way: Way;
  readonly followers: number;
  readonly perSecond: number;
  readonly bytes: number;
}

/** The payload of a TCP packet with timestamps on Ethernet. */
const PACKET_BYTES = 1448;

/** The load of an audience on all servers together. Each server also gets every record once, from the store. */
export function audienceLoad(
  { way, followers, perSecond, bytes }: Audience,
  costs: Costs,
): Required<Pick<ServerLoad, "burst">> & ServerLoad {
  const each = deliverySeconds(way, bytes, costs);
  const { perSecond: deliveries, moreRequests } = requestRates(way, perSecond, costs);
  return {
    processor: followers * (deliveries * each + (moreRequests * costs.pollMs) / 1000),
    memoryBytes: followers * kib(way === "websocket" ? costs.followerKib : costs.httpFollowerKib),
    // Long-polls that wait for long get all records since their last answer at once.
    sentBytes: followers * (perSecond * bytes + deliveries * headerBytes(bytes, costs)),
    connections: followers,
    pathFollowers: followers,
    burst: followers * each,
    everyMachine: {
      processor: perSecond * appendSeconds(bytes, costs),
      receivedBytes: perSecond * (bytes + costs.natsRecordBytes),
    },
  };
}

/** Seconds of processor time for a delivery. */
export function deliverySeconds(way: Way, bytes: number, costs: Costs): number {
  const wakingUs = { websocket: costs.deliveryUs, events: costs.httpDeliveryUs, polls: costs.pollMs * 1000 }[way];
  return wakingUs / 1e6 + byteSeconds(bytes, costs.deliveredGibSeconds);
}

/** Seconds of processor time for a record that arrives by itself. */
export function appendSeconds(bytes: number, costs: Costs): number {
  return costs.appendUs / 1e6 + byteSeconds(bytes, costs.ingestGibSeconds);
}

/** Seconds of processor time to connect a follower. */
export function connectSeconds(way: Way, { connectMs, pollMs }: Costs): number {
  return (way === "websocket" ? connectMs : pollMs) / 1000;
}

/** Bytes of a record on the network. */
export function wireBytes(bytes: number, costs: Costs): number {
  return bytes + headerBytes(bytes, costs);
}

function headerBytes(bytes: number, { frameBytes }: Costs): number {
  return frameBytes * Math.ceil(bytes / PACKET_BYTES);
}

/** Deliveries to a follower per second, and the requests it sends beside those. */
function requestRates(way: Way, perSecond: number, costs: Costs): { perSecond: number; moreRequests: number } {
  if (way === "websocket") return { perSecond, moreRequests: 0 };
  const { eventStreamMs, longPollMs, roundTripMs } = costs;
  if (way === "events") return { perSecond, moreRequests: eventStreamMs === 0 ? 0 : 1000 / eventStreamMs };
  // A client asks again after each answer, and a poll without data is answered, too.
  return { perSecond: Math.max(1000 / longPollMs, Math.min(perSecond, 1000 / roundTripMs)), moreRequests: 0 };
}
