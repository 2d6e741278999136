import { defineConfig } from "vite";

// The bundle is committed and compiled into the gateway, so names are fixed and nothing in it depends on the machine.
export default defineConfig({
  base: "/",
  build: {
    outDir: "../producer/src/gateway/console",
    emptyOutDir: true,
    target: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: { polyfill: false },
    // What the bundle contains of others has to come with their licences.
    license: { fileName: "assets/licenses.md" },
    rollupOptions: {
      output: {
        entryFileNames: "assets/console.js",
        assetFileNames: "assets/console[extname]",
      },
    },
  },
  server: {
    proxy: {
      // `npm run dev` shows a gateway that runs elsewhere.
      "/v1": process.env.BASE_URL ?? "http://127.0.0.1:8080",
    },
  },
});
