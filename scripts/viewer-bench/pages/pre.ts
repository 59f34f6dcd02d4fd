/**
 * The page of the candidate `pre`.
 * @module
 */
export {};

const parameters = new URLSearchParams(location.search);
const log = document.createElement("pre");
document.body.append(log);
const { body } = await fetch(parameters.get("of") ?? "");
const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
for (;;) {
  const { done, value } = (await reader?.read()) ?? { done: true };
  if (done || value === undefined) break;
  log.append(value);
  if (parameters.has("follows")) scrollTo(0, document.documentElement.scrollHeight);
}
document.documentElement.dataset["loaded"] = "";
