/**
 * The black-box wire suite: checks everything that clients may rely on, using only a server's URL.
 * @module
 */
import { describe } from "node:test";
import { appendConditionsSection } from "./append-conditions.ts";
import { classicAppendSection } from "./classic-append.ts";
import { classicEndSection } from "./classic-end.ts";
import { classicFollowSection } from "./classic-follow.ts";
import { contentSection } from "./contents.ts";
import { crowdSection } from "./crowd.ts";
import { curlSection } from "./curl.ts";
import { embeddingSection } from "./embedding.ts";
import { hostileSection } from "./hostile.ts";
import { httpAppendSection } from "./http-append.ts";
import { httpFollowSection } from "./http-follow.ts";
import { httpReadSection } from "./http-read.ts";
import { jsonLinesSection } from "./json-lines.ts";
import { listingSection } from "./listing.ts";
import { liveListingSection } from "./live-listing.ts";
import { messageSizesSection } from "./message-sizes.ts";
import { orderSection } from "./order.ts";
import { originsSection } from "./origins.ts";
import { pathsSection } from "./paths.ts";
import { rangesSection } from "./ranges.ts";
import { removeSection } from "./remove.ts";
import { requestIdsSection } from "./request-ids.ts";
import { standingSection } from "./standing.ts";
import type { Target } from "./target.ts";
import { upgradeSection } from "./upgrade.ts";
import { v1AppendSection } from "./v1-append.ts";
import { v1FollowSection } from "./v1-follow.ts";
import { v1ResumeSection } from "./v1-resume.ts";
import { verbSection } from "./verb.ts";
import { viewsSection } from "./views.ts";

/**
 * Registers the suite as node:test tests.
 *
 * @example
 * ```ts
 * wireSuite({ name: "my server", url: "http://127.0.0.1:8080" });
 * ```
 */
export function wireSuite(target: Target): void {
  describe(`the wire contract: ${target.name}`, { concurrency: 3 }, () => {
    orderSection(target);
    verbSection(target);
    upgradeSection(target);
    classicAppendSection(target);
    classicEndSection(target);
    classicFollowSection(target);
    v1AppendSection(target);
    v1FollowSection(target);
    v1ResumeSection(target);
    messageSizesSection(target);
    crowdSection(target);
    httpReadSection(target);
    rangesSection(target);
    listingSection(target);
    httpFollowSection(target);
    contentSection(target);
    standingSection(target);
    httpAppendSection(target);
    appendConditionsSection(target);
    removeSection(target);
    jsonLinesSection(target);
    curlSection(target);
    pathsSection(target);
    originsSection(target);
    embeddingSection(target);
    hostileSection(target);
    requestIdsSection(target);
    viewsSection(target);
    liveListingSection(target);
  });
}
