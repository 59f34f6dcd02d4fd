/** The page of the candidate `react`. */
import { LazyLog, ScrollFollow } from "@melloware/react-logviewer";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

const parameters = new URLSearchParams(location.search);
const url = new URL(parameters.get("of"), location.href).href;
const onLoad = () => {
  document.documentElement.dataset.loaded = "";
};
const log = (more) => createElement(LazyLog, { url, stream: true, enableSearch: false, onLoad, ...more });
const root = document.createElement("div");
root.style.height = "100vh";
document.body.append(root);
createRoot(root).render(
  parameters.has("follows")
    ? createElement(ScrollFollow, { startFollowing: true, render: ({ follow, onScroll }) => log({ follow, onScroll }) })
    : log({}),
);
