# Generates the Prisma client, which needs the development dependencies; the final image has none of them.
FROM node:24-bookworm-slim AS generate
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY prisma.config.ts ./
COPY prisma ./prisma
RUN npx prisma generate

# Deletes devDependencies from package.json, because npm would otherwise keep `prisma` and `typescript` as optional peers
# of @prisma/client. --ignore-scripts: no script is needed, and this image already has Node 24.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm pkg delete devDependencies && npm install --omit=dev --ignore-scripts && npm cache clean --force

# For `docker compose run --rm backup` (docs/backup.md): Node, and the tools of docker-compose.yml's PostgreSQL version.
FROM postgres:17-bookworm AS backup
COPY --from=node:24-bookworm-slim /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY --from=generate /app/src/database/generated ./src/database/generated
VOLUME /backups
ENTRYPOINT ["node"]
CMD ["src/cli/backup.ts", "--into", "/backups"]

FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/app/.data MALLOC_ARENA_MAX=1
# docker build --build-arg COMMIT=$(git rev-parse HEAD); health reports it.
ARG COMMIT=
ENV COMMIT=$COMMIT
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY prisma ./prisma
COPY plugins ./plugins
COPY routes ./routes
COPY pages ./pages
COPY src ./src
COPY --from=generate /app/src/database/generated ./src/database/generated
RUN mkdir .data && chown node:node .data
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# The same flags as in package.json: less memory at a small cost in speed (docs/performance.md).
CMD ["node", "--max-semi-space-size=12", "--heap-growing-percent=40", "src/server.ts"]
