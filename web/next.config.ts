import type { NextConfig } from "next";

// Exported as plain files and served by the API: nothing of Node runs in production.
const config: NextConfig = {
  output: "export",
  trailingSlash: true,
  images: { unoptimized: true },
  reactStrictMode: true,
  poweredByHeader: false,
};

export default config;
