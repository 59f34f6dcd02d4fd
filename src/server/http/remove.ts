/**
 * Removing over HTTP.
 * @module
 */
import type { PathPreconditions } from "../../engine/append/preconditions.ts";
import { removePath } from "../../engine/sessions/removal.ts";
import { StreamError } from "../../protocol/errors.ts";
import type { Exchange, Service } from "../service/service.ts";

/**
 * Removes the resource that a request names.
 *
 * @throws {StreamError} `not_found`, `method_not_allowed` for a resource that clients may not remove, and what
 * {@link removePath} throws.
 */
export async function removeResource(
  service: Service,
  { subject: { path, requestId } }: Exchange,
  preconditions: PathPreconditions,
): Promise<Response> {
  const { durable, deletes, hints, store } = service;
  const found = deletes === "all" ? undefined : await store.stat(path);
  if (found && !found.stream?.created) {
    const message = `This server does not let clients remove "/${path}". Its operator can allow that ${hints.deletes}.`;
    throw new StreamError("method_not_allowed", message, { path, headers: { Allow: "GET, HEAD, POST, PUT" } });
  }
  const isRemoved = await (durable?.remove(path, preconditions, requestId) ??
    removePath(service, path, preconditions, requestId));
  if (isRemoved)
    return new Response(null, { status: 204, headers: new Headers({ "X-Content-Type-Options": "nosniff" }) });
  throw new StreamError("not_found", `"/${path}" does not exist.`, { path });
}
