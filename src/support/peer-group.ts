/**
 * Which addresses count as one client.
 * @module
 */
import ipaddr from "ipaddr.js";

/** Bits of an IPv6 address that identify a network. Every host in it can use all of its addresses. */
const NETWORK_BITS = 64;

/** Groups of IPv6 addresses that are remembered. Parsing an address takes a hundred times as long as finding it here. */
const MAX_REMEMBERED = 4_096;

const remembered = new Map<string, string>();

/**
 * The group of an address for the limits on one address: an IPv6 address as its network of 64 bits, because one host
 * has all of its addresses. An IPv4 address that is mapped into IPv6 counts as IPv4, and so does one that NAT64 has
 * translated (64:ff9b::/96): all of these have the same 64 bits.
 *
 * @example
 * ```ts
 * peerGroup("2001:db8::a:b:c:d"); // "2001:db8::/64"
 * peerGroup("::ffff:192.0.2.1"); // "192.0.2.1"
 * ```
 */
export function peerGroup(address: string): string {
  if (!address.includes(":")) return address;
  const known = remembered.get(address);
  if (known !== undefined) return known;
  const group = groupOf(address);
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(address, group);
  return group;
}

function groupOf(text: string): string {
  if (!ipaddr.IPv6.isValid(text)) return text;
  const address = ipaddr.process(text);
  // All that has the loopback address is this machine.
  if (!("parts" in address) || address.range() === "loopback") return address.toString();
  if (address.range() === "rfc6052") return embeddedIn(address);
  const network = address.parts.map((part, index) => (index * 16 < NETWORK_BITS ? part : 0));
  // The zone distinguishes the networks of link-local addresses.
  const group = new ipaddr.IPv6(network);
  if (address.zoneId !== undefined) group.zoneId = address.zoneId;
  return `${group.toString()}/${NETWORK_BITS}`;
}

/** The IPv4 address in the last 32 bits. */
function embeddedIn({ parts }: ipaddr.IPv6): string {
  return new ipaddr.IPv4(parts.slice(-2).flatMap((part) => [part >> 8, part & 0xff])).toString();
}
