/**
 * Control messages as frames.
 * @module
 */
import { Frame } from "../../engine/follow/frame.ts";
import { encodeControl, type ServerControl } from "../../protocol/control.ts";

/** Encodes a control message as a frame. */
export function controlFrame(message: ServerControl): Frame {
  return new Frame(encodeControl(message), true);
}
