/** The page of the candidate `react`. */
import { LazyLog } from "@melloware/react-logviewer";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

const parameters = new URLSearchParams(location.search);
const url = new URL(parameters.get("of"), location.href).href;
const onLoad = () => {
  document.documentElement.dataset.loaded = "";
};
const root = document.createElement("div");
root.style.height = "100vh";
document.body.append(root);
const follow = parameters.has("follows");
createRoot(root).render(createElement(LazyLog, { url, stream: true, enableSearch: false, follow, onLoad }));
