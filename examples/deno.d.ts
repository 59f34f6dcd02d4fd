/** What the examples use of Deno, for those who check types without it. */
declare const Deno: {
  serve(
    options: { hostname?: string; port?: number },
    handler: (request: Request) => Response | Promise<Response>,
  ): unknown;
};
