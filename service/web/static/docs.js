/** Starts Swagger UI on our own schema. It asks no other host: no validator badge, no spec from a query string. */

import { currentSession, csrfToken } from "./api.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const followScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followScheme);
followScheme();

// The answer leaves the CSRF token behind when a cookie session exists; without one, calls use "Authorize".
await currentSession().catch(() => null);

/** @type {any} */ (window).SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  queryConfigEnabled: false,
  withCredentials: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  /** @param {{url: string, method?: string, headers: Record<string, string>}} request */
  requestInterceptor: (request) => {
    const token = csrfToken();
    const ours = new URL(request.url, location.href).origin === location.origin;
    if (token && ours && !["GET", "HEAD"].includes((request.method ?? "GET").toUpperCase())) {
      request.headers["X-CSRF-Token"] = token;
    }
    return request;
  },
});
