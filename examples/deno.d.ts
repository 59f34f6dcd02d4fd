/** The part of Deno's API that the examples use, so that their types can be checked without Deno. */
declare const Deno: {
  serve(
    options: { hostname?: string; port?: number },
    handler: (request: Request) => Response | Promise<Response>,
  ): unknown;
};
