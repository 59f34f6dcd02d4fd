/**
 * Control messages as frames.
 * @module
 */
import { Frame } from "../../engine/follow/frame.ts";
import { encodeControl, type ServerControl } from "../../protocol/control.ts";

/** A control message, ready to be sent. */
export function controlFrame(message: ServerControl): Frame {
  return new Frame(encodeControl(message), true);
}
