# The Prisma client is generated where the development dependencies are; the image has none of them.
FROM node:24-bookworm-slim AS generate
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY prisma.config.ts ./
COPY prisma ./prisma
RUN npx prisma generate

# Without the development dependencies in package.json: npm would keep `prisma` and `typescript`, as optional
# peers of @prisma/client. --ignore-scripts: nothing here needs one, and this image is Node 24 already.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm pkg delete devDependencies && npm install --omit=dev --ignore-scripts && npm cache clean --force

# docker compose run --rm backup (docs/backup.md): the tools of the PostgreSQL that docker-compose.yml runs, with Node beside them.
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
# docker build --build-arg COMMIT=$(git rev-parse HEAD): health says it.
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
# The same as in package.json: less memory for little speed (docs/performance.md).
CMD ["node", "--max-semi-space-size=12", "--heap-growing-percent=40", "src/server.ts"]
