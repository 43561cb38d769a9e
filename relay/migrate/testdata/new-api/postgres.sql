SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.abilities (
    "group" character varying(64) NOT NULL,
    model character varying(255) NOT NULL,
    channel_id bigint NOT NULL,
    enabled boolean,
    priority bigint DEFAULT 0,
    weight bigint DEFAULT 0,
    tag text
);
CREATE TABLE public.authz_roles (
    id bigint NOT NULL,
    key character varying(64) NOT NULL,
    name character varying(100) NOT NULL,
    description text,
    built_in boolean,
    enabled boolean,
    sort bigint,
    created_at bigint,
    updated_at bigint
);
CREATE SEQUENCE public.authz_roles_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.authz_roles_id_seq OWNED BY public.authz_roles.id;
CREATE TABLE public.casbin_rule (
    id bigint NOT NULL,
    ptype character varying(100),
    v0 character varying(100),
    v1 character varying(100),
    v2 character varying(100),
    v3 character varying(100),
    v4 character varying(100),
    v5 character varying(100)
);
CREATE SEQUENCE public.casbin_rule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.casbin_rule_id_seq OWNED BY public.casbin_rule.id;
CREATE TABLE public.channels (
    id bigint NOT NULL,
    type bigint DEFAULT 0,
    key text NOT NULL,
    open_ai_organization text,
    test_model text,
    status bigint DEFAULT 1,
    name text,
    weight bigint DEFAULT 0,
    created_time bigint,
    test_time bigint,
    response_time bigint,
    base_url text DEFAULT ''::text,
    other text,
    balance numeric,
    balance_updated_time bigint,
    models text,
    "group" character varying(64) DEFAULT 'default'::character varying,
    used_quota bigint DEFAULT 0,
    model_mapping text,
    status_code_mapping character varying(1024) DEFAULT ''::character varying,
    priority bigint DEFAULT 0,
    auto_ban bigint DEFAULT 1,
    other_info text,
    tag text,
    setting text,
    param_override text,
    header_override text,
    remark character varying(255),
    channel_info json,
    settings text
);
CREATE SEQUENCE public.channels_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.channels_id_seq OWNED BY public.channels.id;
CREATE TABLE public.checkins (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    checkin_date character varying(10) NOT NULL,
    quota_awarded bigint NOT NULL,
    created_at bigint
);
CREATE SEQUENCE public.checkins_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.checkins_id_seq OWNED BY public.checkins.id;
CREATE TABLE public.custom_oauth_providers (
    id bigint NOT NULL,
    name character varying(64) NOT NULL,
    slug character varying(64) NOT NULL,
    icon character varying(128) DEFAULT ''::character varying,
    enabled boolean DEFAULT false,
    client_id character varying(256),
    client_secret character varying(512),
    authorization_endpoint character varying(512),
    token_endpoint character varying(512),
    user_info_endpoint character varying(512),
    scopes character varying(256) DEFAULT 'openid profile email'::character varying,
    user_id_field character varying(128) DEFAULT 'sub'::character varying,
    username_field character varying(128) DEFAULT 'preferred_username'::character varying,
    display_name_field character varying(128) DEFAULT 'name'::character varying,
    email_field character varying(128) DEFAULT 'email'::character varying,
    well_known character varying(512),
    auth_style bigint DEFAULT 0,
    access_policy text,
    access_denied_message character varying(512),
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);
CREATE SEQUENCE public.custom_oauth_providers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.custom_oauth_providers_id_seq OWNED BY public.custom_oauth_providers.id;
CREATE TABLE public.logs (
    id bigint NOT NULL,
    user_id bigint,
    created_at bigint,
    type bigint,
    content text,
    username text DEFAULT ''::text,
    token_name text DEFAULT ''::text,
    model_name text DEFAULT ''::text,
    quota bigint DEFAULT 0,
    prompt_tokens bigint DEFAULT 0,
    completion_tokens bigint DEFAULT 0,
    use_time bigint DEFAULT 0,
    is_stream boolean,
    channel_id bigint,
    channel_name text,
    token_id bigint DEFAULT 0,
    "group" text,
    ip text DEFAULT ''::text,
    request_id character varying(64) DEFAULT ''::character varying,
    upstream_request_id character varying(128) DEFAULT ''::character varying,
    other text
);
CREATE SEQUENCE public.logs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.logs_id_seq OWNED BY public.logs.id;
CREATE TABLE public.midjourneys (
    id bigint NOT NULL,
    code bigint,
    user_id bigint,
    action character varying(40),
    mj_id text,
    prompt text,
    prompt_en text,
    description text,
    state text,
    submit_time bigint,
    start_time bigint,
    finish_time bigint,
    image_url text,
    video_url text,
    video_urls text,
    status character varying(20),
    progress character varying(30),
    fail_reason text,
    channel_id bigint,
    quota bigint,
    buttons text,
    properties text
);
CREATE SEQUENCE public.midjourneys_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.midjourneys_id_seq OWNED BY public.midjourneys.id;
CREATE TABLE public.models (
    id bigint NOT NULL,
    model_name character varying(128) NOT NULL,
    description text,
    icon character varying(128),
    tags character varying(255),
    vendor_id bigint,
    endpoints text,
    status bigint DEFAULT 1,
    sync_official bigint DEFAULT 1,
    created_time bigint,
    updated_time bigint,
    deleted_at timestamp with time zone,
    name_rule bigint DEFAULT 0
);
CREATE SEQUENCE public.models_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.models_id_seq OWNED BY public.models.id;
CREATE TABLE public.options (
    key text NOT NULL,
    value text
);
CREATE TABLE public.passkey_credentials (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    credential_id character varying(512) NOT NULL,
    public_key text NOT NULL,
    attestation_type character varying(255),
    aa_guid character varying(512),
    sign_count bigint DEFAULT 0,
    clone_warning boolean,
    user_present boolean,
    user_verified boolean,
    backup_eligible boolean,
    backup_state boolean,
    transports text,
    attachment character varying(32),
    last_used_at timestamp with time zone,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    deleted_at timestamp with time zone
);
CREATE SEQUENCE public.passkey_credentials_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.passkey_credentials_id_seq OWNED BY public.passkey_credentials.id;
CREATE TABLE public.perf_metrics (
    id bigint NOT NULL,
    model_name character varying(128),
    "group" character varying(64),
    bucket_ts bigint,
    request_count bigint DEFAULT 0,
    success_count bigint DEFAULT 0,
    total_latency_ms bigint DEFAULT 0,
    ttft_sum_ms bigint DEFAULT 0,
    ttft_count bigint DEFAULT 0,
    output_tokens bigint DEFAULT 0,
    generation_ms bigint DEFAULT 0
);
CREATE SEQUENCE public.perf_metrics_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.perf_metrics_id_seq OWNED BY public.perf_metrics.id;
CREATE TABLE public.prefill_groups (
    id bigint NOT NULL,
    name character varying(64) NOT NULL,
    type character varying(32) NOT NULL,
    items json,
    description character varying(255),
    created_time bigint,
    updated_time bigint,
    deleted_at timestamp with time zone
);
CREATE SEQUENCE public.prefill_groups_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.prefill_groups_id_seq OWNED BY public.prefill_groups.id;
CREATE TABLE public.quota_data (
    id bigint NOT NULL,
    user_id bigint,
    username character varying(64) DEFAULT ''::character varying,
    model_name character varying(64) DEFAULT ''::character varying,
    created_at bigint,
    use_group character varying(64) DEFAULT ''::character varying,
    token_id bigint DEFAULT 0,
    channel_id bigint DEFAULT 0,
    node_name character varying(64) DEFAULT ''::character varying,
    token_used bigint DEFAULT 0,
    count bigint DEFAULT 0,
    quota bigint DEFAULT 0
);
CREATE SEQUENCE public.quota_data_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.quota_data_id_seq OWNED BY public.quota_data.id;
CREATE TABLE public.redemptions (
    id bigint NOT NULL,
    user_id bigint,
    key character(32),
    status bigint DEFAULT 1,
    name text,
    quota bigint DEFAULT 100,
    created_time bigint,
    redeemed_time bigint,
    used_user_id bigint,
    deleted_at timestamp with time zone,
    expired_time bigint
);
CREATE SEQUENCE public.redemptions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.redemptions_id_seq OWNED BY public.redemptions.id;
CREATE TABLE public.setups (
    id bigint NOT NULL,
    version character varying(50) NOT NULL,
    initialized_at bigint NOT NULL
);
CREATE SEQUENCE public.setups_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.setups_id_seq OWNED BY public.setups.id;
CREATE TABLE public.subscription_orders (
    id bigint NOT NULL,
    user_id bigint,
    plan_id bigint,
    money numeric,
    trade_no character varying(255),
    payment_method character varying(50),
    payment_provider character varying(50) DEFAULT ''::character varying,
    status text,
    create_time bigint,
    complete_time bigint,
    provider_payload text
);
CREATE SEQUENCE public.subscription_orders_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.subscription_orders_id_seq OWNED BY public.subscription_orders.id;
CREATE TABLE public.subscription_plans (
    id bigint NOT NULL,
    title character varying(128) NOT NULL,
    subtitle character varying(255) DEFAULT ''::character varying,
    price_amount numeric(10,6) DEFAULT 0.000000 NOT NULL,
    currency character varying(8) DEFAULT 'USD'::character varying NOT NULL,
    duration_unit character varying(16) DEFAULT 'month'::character varying NOT NULL,
    duration_value bigint DEFAULT 1 NOT NULL,
    custom_seconds bigint DEFAULT 0 NOT NULL,
    enabled boolean DEFAULT true,
    sort_order bigint DEFAULT 0,
    allow_balance_pay boolean,
    allow_wallet_overflow boolean,
    stripe_price_id character varying(128) DEFAULT ''::character varying,
    creem_product_id character varying(128) DEFAULT ''::character varying,
    waffo_pancake_product_id character varying(128) DEFAULT ''::character varying,
    max_purchase_per_user bigint DEFAULT 0,
    upgrade_group character varying(64) DEFAULT ''::character varying,
    downgrade_group character varying(64) DEFAULT ''::character varying,
    total_amount bigint DEFAULT 0 NOT NULL,
    quota_reset_period character varying(16) DEFAULT 'never'::character varying,
    quota_reset_custom_seconds bigint DEFAULT 0,
    created_at bigint,
    updated_at bigint
);
CREATE SEQUENCE public.subscription_plans_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.subscription_plans_id_seq OWNED BY public.subscription_plans.id;
CREATE TABLE public.subscription_pre_consume_records (
    id bigint NOT NULL,
    request_id character varying(64),
    user_id bigint,
    user_subscription_id bigint,
    pre_consumed bigint DEFAULT 0 NOT NULL,
    status character varying(32),
    created_at bigint,
    updated_at bigint
);
CREATE SEQUENCE public.subscription_pre_consume_records_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.subscription_pre_consume_records_id_seq OWNED BY public.subscription_pre_consume_records.id;
CREATE TABLE public.system_instances (
    node_name character varying(128) NOT NULL,
    info text,
    started_at bigint,
    last_seen_at bigint,
    created_at bigint,
    updated_at bigint
);
CREATE TABLE public.system_task_locks (
    type character varying(64) NOT NULL,
    task_id character varying(64),
    locked_by character varying(128),
    locked_until bigint,
    updated_at bigint
);
CREATE TABLE public.system_tasks (
    id bigint NOT NULL,
    task_id character varying(64),
    type character varying(64),
    status character varying(32),
    active_key character varying(64),
    payload text,
    state text,
    result text,
    error text,
    locked_by character varying(128),
    created_at bigint,
    updated_at bigint
);
CREATE SEQUENCE public.system_tasks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.system_tasks_id_seq OWNED BY public.system_tasks.id;
CREATE TABLE public.tasks (
    id bigint NOT NULL,
    created_at bigint,
    updated_at bigint,
    task_id character varying(191),
    platform character varying(30),
    user_id bigint,
    "group" character varying(50),
    channel_id bigint,
    quota bigint,
    action character varying(40),
    status character varying(20),
    fail_reason text,
    submit_time bigint,
    start_time bigint,
    finish_time bigint,
    progress character varying(20),
    properties json,
    private_data json,
    data json
);
CREATE SEQUENCE public.tasks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.tasks_id_seq OWNED BY public.tasks.id;
CREATE TABLE public.tokens (
    id bigint NOT NULL,
    user_id bigint,
    key character varying(128),
    status bigint DEFAULT 1,
    name text,
    created_time bigint,
    accessed_time bigint,
    expired_time bigint DEFAULT '-1'::integer,
    remain_quota bigint DEFAULT 0,
    unlimited_quota boolean,
    model_limits_enabled boolean,
    model_limits text,
    allow_ips text DEFAULT ''::text,
    used_quota bigint DEFAULT 0,
    "group" text DEFAULT ''::text,
    cross_group_retry boolean,
    deleted_at timestamp with time zone
);
CREATE SEQUENCE public.tokens_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.tokens_id_seq OWNED BY public.tokens.id;
CREATE TABLE public.top_ups (
    id bigint NOT NULL,
    user_id bigint,
    amount bigint,
    money numeric,
    trade_no character varying(255),
    payment_method character varying(50),
    payment_provider character varying(50) DEFAULT ''::character varying,
    create_time bigint,
    complete_time bigint,
    status text
);
CREATE SEQUENCE public.top_ups_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.top_ups_id_seq OWNED BY public.top_ups.id;
CREATE TABLE public.two_fa_backup_codes (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    code_hash character varying(255) NOT NULL,
    is_used boolean,
    used_at timestamp with time zone,
    created_at timestamp with time zone,
    deleted_at timestamp with time zone
);
CREATE SEQUENCE public.two_fa_backup_codes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.two_fa_backup_codes_id_seq OWNED BY public.two_fa_backup_codes.id;
CREATE TABLE public.two_fas (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    secret character varying(255) NOT NULL,
    is_enabled boolean,
    failed_attempts bigint DEFAULT 0,
    locked_until timestamp with time zone,
    last_used_at timestamp with time zone,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    deleted_at timestamp with time zone
);
CREATE SEQUENCE public.two_fas_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.two_fas_id_seq OWNED BY public.two_fas.id;
CREATE TABLE public.user_oauth_bindings (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    provider_id bigint NOT NULL,
    provider_user_id character varying(256) NOT NULL,
    created_at timestamp with time zone
);
CREATE SEQUENCE public.user_oauth_bindings_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.user_oauth_bindings_id_seq OWNED BY public.user_oauth_bindings.id;
CREATE TABLE public.user_subscriptions (
    id bigint NOT NULL,
    user_id bigint,
    plan_id bigint,
    amount_total bigint DEFAULT 0 NOT NULL,
    amount_used bigint DEFAULT 0 NOT NULL,
    start_time bigint,
    end_time bigint,
    status character varying(32),
    source character varying(32) DEFAULT 'order'::character varying,
    last_reset_time bigint DEFAULT 0,
    next_reset_time bigint DEFAULT 0,
    upgrade_group character varying(64) DEFAULT ''::character varying,
    prev_user_group character varying(64) DEFAULT ''::character varying,
    downgrade_group character varying(64) DEFAULT ''::character varying,
    allow_wallet_overflow boolean,
    created_at bigint,
    updated_at bigint
);
CREATE SEQUENCE public.user_subscriptions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.user_subscriptions_id_seq OWNED BY public.user_subscriptions.id;
CREATE TABLE public.users (
    id bigint NOT NULL,
    username text,
    password text NOT NULL,
    display_name text,
    role bigint DEFAULT 1,
    status bigint DEFAULT 1,
    email text,
    github_id text,
    discord_id text,
    oidc_id text,
    wechat_id text,
    telegram_id text,
    access_token character(32),
    quota bigint DEFAULT 0,
    used_quota bigint DEFAULT 0,
    request_count bigint DEFAULT 0,
    "group" character varying(64) DEFAULT 'default'::character varying,
    aff_code character varying(32),
    aff_count bigint DEFAULT 0,
    aff_quota bigint DEFAULT 0,
    aff_history bigint DEFAULT 0,
    inviter_id bigint,
    deleted_at timestamp with time zone,
    linux_do_id text,
    setting text,
    remark character varying(255),
    stripe_customer character varying(64),
    created_at bigint,
    last_login_at bigint DEFAULT 0
);
CREATE SEQUENCE public.users_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.users_id_seq OWNED BY public.users.id;
CREATE TABLE public.vendors (
    id bigint NOT NULL,
    name character varying(128) NOT NULL,
    description text,
    icon character varying(128),
    status bigint DEFAULT 1,
    created_time bigint,
    updated_time bigint,
    deleted_at timestamp with time zone
);
CREATE SEQUENCE public.vendors_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.vendors_id_seq OWNED BY public.vendors.id;
ALTER TABLE ONLY public.authz_roles ALTER COLUMN id SET DEFAULT nextval('public.authz_roles_id_seq'::regclass);
ALTER TABLE ONLY public.casbin_rule ALTER COLUMN id SET DEFAULT nextval('public.casbin_rule_id_seq'::regclass);
ALTER TABLE ONLY public.channels ALTER COLUMN id SET DEFAULT nextval('public.channels_id_seq'::regclass);
ALTER TABLE ONLY public.checkins ALTER COLUMN id SET DEFAULT nextval('public.checkins_id_seq'::regclass);
ALTER TABLE ONLY public.custom_oauth_providers ALTER COLUMN id SET DEFAULT nextval('public.custom_oauth_providers_id_seq'::regclass);
ALTER TABLE ONLY public.logs ALTER COLUMN id SET DEFAULT nextval('public.logs_id_seq'::regclass);
ALTER TABLE ONLY public.midjourneys ALTER COLUMN id SET DEFAULT nextval('public.midjourneys_id_seq'::regclass);
ALTER TABLE ONLY public.models ALTER COLUMN id SET DEFAULT nextval('public.models_id_seq'::regclass);
ALTER TABLE ONLY public.passkey_credentials ALTER COLUMN id SET DEFAULT nextval('public.passkey_credentials_id_seq'::regclass);
ALTER TABLE ONLY public.perf_metrics ALTER COLUMN id SET DEFAULT nextval('public.perf_metrics_id_seq'::regclass);
ALTER TABLE ONLY public.prefill_groups ALTER COLUMN id SET DEFAULT nextval('public.prefill_groups_id_seq'::regclass);
ALTER TABLE ONLY public.quota_data ALTER COLUMN id SET DEFAULT nextval('public.quota_data_id_seq'::regclass);
ALTER TABLE ONLY public.redemptions ALTER COLUMN id SET DEFAULT nextval('public.redemptions_id_seq'::regclass);
ALTER TABLE ONLY public.setups ALTER COLUMN id SET DEFAULT nextval('public.setups_id_seq'::regclass);
ALTER TABLE ONLY public.subscription_orders ALTER COLUMN id SET DEFAULT nextval('public.subscription_orders_id_seq'::regclass);
ALTER TABLE ONLY public.subscription_plans ALTER COLUMN id SET DEFAULT nextval('public.subscription_plans_id_seq'::regclass);
ALTER TABLE ONLY public.subscription_pre_consume_records ALTER COLUMN id SET DEFAULT nextval('public.subscription_pre_consume_records_id_seq'::regclass);
ALTER TABLE ONLY public.system_tasks ALTER COLUMN id SET DEFAULT nextval('public.system_tasks_id_seq'::regclass);
ALTER TABLE ONLY public.tasks ALTER COLUMN id SET DEFAULT nextval('public.tasks_id_seq'::regclass);
ALTER TABLE ONLY public.tokens ALTER COLUMN id SET DEFAULT nextval('public.tokens_id_seq'::regclass);
ALTER TABLE ONLY public.top_ups ALTER COLUMN id SET DEFAULT nextval('public.top_ups_id_seq'::regclass);
ALTER TABLE ONLY public.two_fa_backup_codes ALTER COLUMN id SET DEFAULT nextval('public.two_fa_backup_codes_id_seq'::regclass);
ALTER TABLE ONLY public.two_fas ALTER COLUMN id SET DEFAULT nextval('public.two_fas_id_seq'::regclass);
ALTER TABLE ONLY public.user_oauth_bindings ALTER COLUMN id SET DEFAULT nextval('public.user_oauth_bindings_id_seq'::regclass);
ALTER TABLE ONLY public.user_subscriptions ALTER COLUMN id SET DEFAULT nextval('public.user_subscriptions_id_seq'::regclass);
ALTER TABLE ONLY public.users ALTER COLUMN id SET DEFAULT nextval('public.users_id_seq'::regclass);
ALTER TABLE ONLY public.vendors ALTER COLUMN id SET DEFAULT nextval('public.vendors_id_seq'::regclass);
INSERT INTO public.abilities VALUES
	('svip', 'default-of-00', 1, true, 0, 0, NULL),
	('default', 'here-00', 2, true, 0, 0, NULL),
	('vip', 'here-00', 2, true, 0, 0, NULL),
	('svip', 'gpt-4o', 3, true, 0, 0, NULL),
	('svip', 'gpt-4o-mini', 3, true, 0, 0, NULL),
	('svip', 'default-of-01', 3, true, 0, 0, NULL),
	('default', 'here-01', 4, true, 1, 1, NULL),
	('vip', 'here-01', 4, true, 1, 1, NULL),
	('svip', 'default-of-02', 5, true, 0, 0, NULL),
	('default', 'here-02', 6, true, 2, 2, NULL),
	('vip', 'here-02', 6, true, 2, 2, NULL),
	('svip', 'gpt-4o', 7, true, 0, 0, NULL),
	('svip', 'default-of-03', 7, true, 0, 0, NULL),
	('default', 'here-03', 8, true, 0, 3, NULL),
	('vip', 'here-03', 8, true, 0, 3, NULL),
	('svip', 'default-of-04', 9, true, 0, 0, NULL),
	('default', 'here-04', 10, true, 1, 0, NULL),
	('vip', 'here-04', 10, true, 1, 0, NULL),
	('svip', 'default-of-05', 11, true, 0, 0, NULL),
	('default', 'here-05', 12, true, 2, 1, NULL),
	('vip', 'here-05', 12, true, 2, 1, NULL),
	('svip', 'default-of-06', 13, true, 0, 0, NULL),
	('default', 'here-06', 14, true, 0, 2, NULL),
	('vip', 'here-06', 14, true, 0, 2, NULL),
	('svip', 'default-of-07', 15, true, 0, 0, NULL),
	('default', 'here-07', 16, true, 1, 3, NULL),
	('vip', 'here-07', 16, true, 1, 3, NULL),
	('svip', 'default-of-08', 17, true, 0, 0, NULL),
	('default', 'here-08', 18, true, 2, 0, NULL),
	('vip', 'here-08', 18, true, 2, 0, NULL),
	('svip', 'default-of-09', 19, true, 0, 0, NULL),
	('default', 'here-09', 20, true, 0, 1, NULL),
	('vip', 'here-09', 20, true, 0, 1, NULL),
	('svip', 'default-of-10', 21, true, 0, 0, NULL),
	('default', 'here-10', 22, true, 1, 2, NULL),
	('vip', 'here-10', 22, true, 1, 2, NULL),
	('svip', 'default-of-11', 23, true, 0, 0, NULL),
	('default', 'here-11', 24, true, 2, 3, NULL),
	('vip', 'here-11', 24, true, 2, 3, NULL),
	('svip', 'default-of-12', 25, true, 0, 0, NULL),
	('default', 'here-12', 26, true, 0, 0, NULL),
	('vip', 'here-12', 26, true, 0, 0, NULL),
	('svip', 'default-of-13', 27, true, 0, 0, NULL),
	('default', 'here-13', 28, true, 1, 1, NULL),
	('vip', 'here-13', 28, true, 1, 1, NULL),
	('svip', 'claude-sonnet-4-20250514', 29, true, 0, 0, NULL),
	('svip', 'default-of-14', 29, true, 0, 0, NULL),
	('default', 'here-14', 30, true, 2, 2, NULL),
	('vip', 'here-14', 30, true, 2, 2, NULL),
	('svip', 'default-of-15', 31, true, 0, 0, NULL);
INSERT INTO public.abilities VALUES
	('default', 'here-15', 32, true, 0, 3, NULL),
	('vip', 'here-15', 32, true, 0, 3, NULL),
	('svip', 'default-of-16', 33, true, 0, 0, NULL),
	('default', 'here-16', 34, true, 1, 0, NULL),
	('vip', 'here-16', 34, true, 1, 0, NULL),
	('svip', 'default-of-17', 35, true, 0, 0, NULL),
	('default', 'here-17', 36, true, 2, 1, NULL),
	('vip', 'here-17', 36, true, 2, 1, NULL),
	('svip', 'default-of-18', 37, true, 0, 0, NULL),
	('default', 'here-18', 38, true, 0, 2, NULL),
	('vip', 'here-18', 38, true, 0, 2, NULL),
	('svip', 'default-of-19', 39, true, 0, 0, NULL),
	('default', 'here-19', 40, true, 1, 3, NULL),
	('vip', 'here-19', 40, true, 1, 3, NULL),
	('svip', 'default-of-20', 41, true, 0, 0, NULL),
	('default', 'here-20', 42, true, 2, 0, NULL),
	('vip', 'here-20', 42, true, 2, 0, NULL),
	('svip', 'default-of-21', 43, true, 0, 0, NULL),
	('default', 'here-21', 44, true, 0, 1, NULL),
	('vip', 'here-21', 44, true, 0, 1, NULL),
	('svip', 'default-of-22', 45, true, 0, 0, NULL),
	('default', 'here-22', 46, true, 1, 2, NULL),
	('vip', 'here-22', 46, true, 1, 2, NULL),
	('svip', 'default-of-23', 47, true, 0, 0, NULL),
	('default', 'here-23', 48, true, 2, 3, NULL),
	('vip', 'here-23', 48, true, 2, 3, NULL),
	('svip', 'gemini-2.5-pro', 49, true, 0, 0, NULL),
	('svip', 'default-of-24', 49, true, 0, 0, NULL),
	('default', 'here-24', 50, true, 0, 0, NULL),
	('vip', 'here-24', 50, true, 0, 0, NULL),
	('svip', 'default-of-25', 51, true, 0, 0, NULL),
	('default', 'here-25', 52, true, 1, 1, NULL),
	('vip', 'here-25', 52, true, 1, 1, NULL),
	('svip', 'default-of-26', 53, true, 0, 0, NULL),
	('default', 'here-26', 54, true, 2, 2, NULL),
	('vip', 'here-26', 54, true, 2, 2, NULL),
	('svip', 'default-of-27', 55, true, 0, 0, NULL),
	('default', 'here-27', 56, true, 0, 3, NULL),
	('vip', 'here-27', 56, true, 0, 3, NULL),
	('svip', 'default-of-28', 57, true, 0, 0, NULL),
	('default', 'here-28', 58, true, 1, 0, NULL),
	('vip', 'here-28', 58, true, 1, 0, NULL),
	('svip', 'default-of-29', 59, true, 0, 0, NULL),
	('default', 'here-29', 60, true, 2, 1, NULL),
	('vip', 'here-29', 60, true, 2, 1, NULL),
	('svip', 'default-of-30', 61, true, 0, 0, NULL),
	('default', 'here-30', 62, true, 0, 2, NULL),
	('vip', 'here-30', 62, true, 0, 2, NULL),
	('svip', 'default-of-31', 63, true, 0, 0, NULL),
	('default', 'here-31', 64, true, 1, 3, NULL);
INSERT INTO public.abilities VALUES
	('vip', 'here-31', 64, true, 1, 3, NULL),
	('svip', 'default-of-32', 65, true, 0, 0, NULL),
	('default', 'here-32', 66, true, 2, 0, NULL),
	('vip', 'here-32', 66, true, 2, 0, NULL),
	('svip', 'claude-sonnet-4-20250514', 67, true, 0, 0, NULL),
	('svip', 'default-of-33', 67, true, 0, 0, NULL),
	('svip', 'default-of-34', 68, true, 0, 0, NULL),
	('default', 'here-34', 69, true, 1, 2, NULL),
	('vip', 'here-34', 69, true, 1, 2, NULL),
	('svip', 'default-of-35', 70, true, 0, 0, NULL),
	('default', 'here-35', 71, true, 2, 3, NULL),
	('vip', 'here-35', 71, true, 2, 3, NULL),
	('svip', 'default-of-36', 72, true, 0, 0, NULL),
	('default', 'here-36', 73, true, 0, 0, NULL),
	('vip', 'here-36', 73, true, 0, 0, NULL),
	('svip', 'default-of-37', 74, true, 0, 0, NULL),
	('default', 'here-37', 75, true, 1, 1, NULL),
	('vip', 'here-37', 75, true, 1, 1, NULL),
	('svip', 'default-of-38', 76, true, 0, 0, NULL),
	('default', 'here-38', 77, true, 2, 2, NULL),
	('vip', 'here-38', 77, true, 2, 2, NULL),
	('svip', 'default-of-39', 78, true, 0, 0, NULL),
	('default', 'here-39', 79, true, 0, 3, NULL),
	('vip', 'here-39', 79, true, 0, 3, NULL),
	('svip', 'default-of-40', 80, true, 0, 0, NULL),
	('default', 'here-40', 81, true, 1, 0, NULL),
	('vip', 'here-40', 81, true, 1, 0, NULL),
	('svip', 'gemini-2.5-pro', 82, true, 0, 0, NULL),
	('svip', 'default-of-41', 82, true, 0, 0, NULL),
	('svip', 'default-of-42', 83, true, 0, 0, NULL),
	('default', 'here-42', 84, true, 0, 2, NULL),
	('vip', 'here-42', 84, true, 0, 2, NULL),
	('svip', 'deepseek-chat', 85, true, 0, 0, NULL),
	('svip', 'default-of-43', 85, true, 0, 0, NULL),
	('default', 'here-43', 86, true, 1, 3, NULL),
	('vip', 'here-43', 86, true, 1, 3, NULL),
	('svip', 'default-of-44', 87, true, 0, 0, NULL),
	('default', 'here-44', 88, true, 2, 0, NULL),
	('vip', 'here-44', 88, true, 2, 0, NULL),
	('svip', 'default-of-45', 89, true, 0, 0, NULL),
	('default', 'here-45', 90, true, 0, 1, NULL),
	('vip', 'here-45', 90, true, 0, 1, NULL),
	('svip', 'default-of-46', 91, true, 0, 0, NULL),
	('default', 'here-46', 92, true, 1, 2, NULL),
	('vip', 'here-46', 92, true, 1, 2, NULL),
	('svip', 'default-of-47', 93, true, 0, 0, NULL),
	('default', 'here-47', 94, true, 2, 3, NULL),
	('vip', 'here-47', 94, true, 2, 3, NULL),
	('svip', 'grok-4', 95, true, 0, 0, NULL),
	('svip', 'default-of-48', 95, true, 0, 0, NULL);
INSERT INTO public.abilities VALUES
	('default', 'here-48', 96, true, 0, 0, NULL),
	('vip', 'here-48', 96, true, 0, 0, NULL),
	('svip', 'default-of-49', 97, true, 0, 0, NULL),
	('default', 'here-49', 98, true, 1, 1, NULL),
	('vip', 'here-49', 98, true, 1, 1, NULL),
	('svip', 'default-of-50', 99, true, 0, 0, NULL),
	('default', 'here-50', 100, true, 2, 2, NULL),
	('vip', 'here-50', 100, true, 2, 2, NULL),
	('svip', 'default-of-51', 101, true, 0, 0, NULL),
	('default', 'here-51', 102, true, 0, 3, NULL),
	('vip', 'here-51', 102, true, 0, 3, NULL),
	('svip', 'default-of-52', 103, true, 0, 0, NULL),
	('default', 'here-52', 104, true, 1, 0, NULL),
	('vip', 'here-52', 104, true, 1, 0, NULL),
	('svip', 'default-of-53', 105, true, 0, 0, NULL),
	('default', 'here-53', 106, true, 2, 1, NULL),
	('vip', 'here-53', 106, true, 2, 1, NULL),
	('svip', 'default-of-54', 107, true, 0, 0, NULL),
	('default', 'here-54', 108, true, 0, 2, NULL),
	('vip', 'here-54', 108, true, 0, 2, NULL),
	('svip', 'default-of-55', 109, true, 0, 0, NULL),
	('default', 'here-55', 110, true, 1, 3, NULL),
	('vip', 'here-55', 110, true, 1, 3, NULL),
	('svip', 'default-of-56', 111, true, 0, 0, NULL),
	('default', 'here-56', 112, true, 2, 0, NULL),
	('vip', 'here-56', 112, true, 2, 0, NULL),
	('svip', 'default-of-57', 113, true, 0, 0, NULL),
	('svip', 'default-of-58', 114, true, 0, 0, NULL),
	('default', 'here-58', 115, true, 1, 2, NULL),
	('vip', 'here-58', 115, true, 1, 2, NULL),
	('default', 'gpt-4o', 116, true, 10, 5, 'the good ones'),
	('default', 'gpt-4o-mini', 116, true, 10, 5, 'the good ones'),
	('default', 'gpt-4', 116, true, 10, 5, 'the good ones'),
	('default', 'gpt-4o', 117, true, 0, 1, NULL),
	('vip', 'gpt-4o', 117, true, 0, 1, NULL),
	('default', 'gpt-4o-mini', 117, true, 0, 1, NULL),
	('vip', 'gpt-4o-mini', 117, true, 0, 1, NULL),
	('vip', 'gpt-4o', 118, true, 5, 30, NULL),
	('vip', 'gpt-4o', 119, true, 5, 0, NULL),
	('default', 'many-keys', 120, true, 0, 1, NULL),
	('vip', 'many-keys', 120, true, 0, 1, NULL),
	('default', 'many-keys-by-chance', 121, true, 0, 1, NULL),
	('vip', 'many-keys-by-chance', 121, true, 0, 1, NULL),
	('default', 'vertex-two', 123, true, 0, 1, NULL),
	('vip', 'vertex-two', 123, true, 0, 1, NULL),
	('default', 'batch-model', 124, true, 0, 1, NULL),
	('vip', 'batch-model', 124, true, 0, 1, NULL),
	('default', 'batch-model', 125, true, 0, 1, NULL),
	('vip', 'batch-model', 125, true, 0, 1, NULL),
	('default', 'batch-model', 126, true, 0, 1, NULL);
INSERT INTO public.abilities VALUES
	('vip', 'batch-model', 126, true, 0, 1, NULL),
	('default', 'vertex-key', 127, true, 0, 1, NULL),
	('vip', 'vertex-key', 127, true, 0, 1, NULL),
	('default', 'claude-aws-key', 128, true, 0, 1, NULL),
	('vip', 'claude-aws-key', 128, true, 0, 1, NULL),
	('default', 'claude-sonnet-4-20250514', 129, true, 10, 1, NULL),
	('vip', 'claude-sonnet-4-20250514', 129, true, 10, 1, NULL),
	('default', 'claude-3-5-haiku-20241022', 129, true, 10, 1, NULL),
	('vip', 'claude-3-5-haiku-20241022', 129, true, 10, 1, NULL),
	('default', 'gemini-2.5-pro', 130, true, 0, 1, NULL),
	('vip', 'gemini-2.5-pro', 130, true, 0, 1, NULL),
	('default', 'gemini-2.5-flash', 130, true, 0, 1, NULL),
	('vip', 'gemini-2.5-flash', 130, true, 0, 1, NULL),
	('default', 'gpt-4.1', 131, true, 0, 1, NULL),
	('vip', 'gpt-4.1', 131, true, 0, 1, NULL),
	('default', 'deepseek-chat', 132, true, 0, 1, NULL),
	('vip', 'deepseek-chat', 132, true, 0, 1, NULL),
	('default', 'via-proxy', 133, true, 0, 1, NULL),
	('vip', 'via-proxy', 133, true, 0, 1, NULL),
	('default', 'overridden', 134, true, 0, 1, NULL),
	('vip', 'overridden', 134, true, 0, 1, NULL),
	('default', 'with-system-prompt', 135, true, 0, 1, NULL),
	('vip', 'with-system-prompt', 135, true, 0, 1, NULL),
	('default', 'switched-off', 137, true, 0, 1, NULL),
	('vip', 'switched-off', 137, true, 0, 1, NULL),
	('default', 'odd:name', 138, true, 0, 1, NULL),
	('vip', 'odd:name', 138, true, 0, 1, NULL),
	('default', '${HOME}', 138, true, 0, 1, NULL),
	('vip', '${HOME}', 138, true, 0, 1, NULL),
	('default', 'short', 139, true, 0, 1, NULL),
	('vip', 'short', 139, true, 0, 1, NULL),
	('default', 'weighted', 140, true, 1, 0, NULL),
	('vip', 'weighted', 140, true, 1, 0, NULL),
	('default', 'weighted', 141, true, 1, 10, NULL),
	('vip', 'weighted', 141, true, 1, 10, NULL),
	('default', 'weighted', 142, true, 1, 90, NULL),
	('vip', 'weighted', 142, true, 1, 90, NULL),
	('default', 'switched-off', 136, false, 0, 1, NULL),
	('vip', 'switched-off', 136, false, 0, 1, NULL),
	('default', 'partly-off', 122, true, 0, 1, NULL),
	('vip', 'partly-off', 122, true, 0, 1, NULL);
INSERT INTO public.authz_roles VALUES
	(1, 'root', 'Root', 'Built-in root authorization role', true, true, 0, 1796077917, 1796077917),
	(2, 'admin', 'Admin', 'Built-in admin authorization role', true, true, 10, 1796077917, 1796077917);
INSERT INTO public.casbin_rule VALUES
	(1, 'p', 'role:admin', 'channel', 'read', 'allow', '', ''),
	(2, 'p', 'role:admin', 'channel', 'operate', 'allow', '', ''),
	(3, 'p', 'role:admin', 'channel', 'write', 'allow', '', '');
INSERT INTO public.channels VALUES
	(1, 0, 'sk-made-up-type-00', NULL, NULL, 1, 'type 00 at its default', 0, 1796077919, 0, 0, '', '', 0, 0, 'default-of-00', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(2, 0, 'sk-made-up-type-00-here', NULL, NULL, 1, 'type 00 here', 0, 1796077919, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-00', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(3, 1, 'sk-made-up-type-01', NULL, NULL, 1, 'type 01 at its default', 0, 1796077919, 0, 0, '', '', 0, 0, 'gpt-4o,gpt-4o-mini,default-of-01', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(4, 1, 'sk-made-up-type-01-here', NULL, NULL, 1, 'type 01 here', 1, 1796077919, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-01', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(5, 2, 'sk-made-up-type-02', NULL, NULL, 1, 'type 02 at its default', 0, 1796077919, 0, 0, '', '', 0, 0, 'default-of-02', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(6, 2, 'sk-made-up-type-02-here', NULL, NULL, 1, 'type 02 here', 2, 1796077919, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-02', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(7, 3, 'sk-made-up-type-03', NULL, NULL, 1, 'type 03 at its default', 0, 1796077919, 0, 0, 'https://made-up.openai.azure.com', '2024-10-21', 0, 0, 'gpt-4o,default-of-03', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(8, 3, 'sk-made-up-type-03-here', NULL, NULL, 1, 'type 03 here', 3, 1796077919, 0, 0, 'http://127.0.0.1:19999', '2024-10-21', 0, 0, 'here-03', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(9, 4, 'sk-made-up-type-04', NULL, NULL, 1, 'type 04 at its default', 0, 1796077919, 0, 0, '', '', 0, 0, 'default-of-04', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(10, 4, 'sk-made-up-type-04-here', NULL, NULL, 1, 'type 04 here', 0, 1796077919, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-04', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(11, 5, 'sk-made-up-type-05', NULL, NULL, 1, 'type 05 at its default', 0, 1796077919, 0, 0, '', '', 0, 0, 'default-of-05', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(12, 5, 'sk-made-up-type-05-here', NULL, NULL, 1, 'type 05 here', 1, 1796077919, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-05', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(13, 6, 'sk-made-up-type-06', NULL, NULL, 1, 'type 06 at its default', 0, 1796077919, 0, 0, '', '', 0, 0, 'default-of-06', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(14, 6, 'sk-made-up-type-06-here', NULL, NULL, 1, 'type 06 here', 2, 1796077919, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-06', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(15, 7, 'sk-made-up-type-07', NULL, NULL, 1, 'type 07 at its default', 0, 1796077919, 0, 0, '', '', 0, 0, 'default-of-07', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(16, 7, 'sk-made-up-type-07-here', NULL, NULL, 1, 'type 07 here', 3, 1796077919, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-07', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(17, 8, 'sk-made-up-type-08', NULL, NULL, 1, 'type 08 at its default', 0, 1796077919, 0, 0, 'https://made-up-custom.example.com', '', 0, 0, 'default-of-08', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(18, 8, 'sk-made-up-type-08-here', NULL, NULL, 1, 'type 08 here', 0, 1796077919, 0, 0, 'http://127.0.0.1:19999/v1/chat/completions', '', 0, 0, 'here-08', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(19, 9, 'sk-made-up-type-09', NULL, NULL, 1, 'type 09 at its default', 0, 1796077919, 0, 0, '', '', 0, 0, 'default-of-09', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(20, 9, 'sk-made-up-type-09-here', NULL, NULL, 1, 'type 09 here', 1, 1796077919, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-09', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(21, 10, 'sk-made-up-type-10', NULL, NULL, 1, 'type 10 at its default', 0, 1796077919, 0, 0, '', '', 0, 0, 'default-of-10', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(22, 10, 'sk-made-up-type-10-here', NULL, NULL, 1, 'type 10 here', 2, 1796077919, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-10', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(23, 11, 'sk-made-up-type-11', NULL, NULL, 1, 'type 11 at its default', 0, 1796077919, 0, 0, '', '', 0, 0, 'default-of-11', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(24, 11, 'sk-made-up-type-11-here', NULL, NULL, 1, 'type 11 here', 3, 1796077919, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-11', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(25, 12, 'sk-made-up-type-12', NULL, NULL, 1, 'type 12 at its default', 0, 1796077919, 0, 0, '', '', 0, 0, 'default-of-12', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(26, 12, 'sk-made-up-type-12-here', NULL, NULL, 1, 'type 12 here', 0, 1796077919, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-12', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(27, 13, 'sk-made-up-type-13', NULL, NULL, 1, 'type 13 at its default', 0, 1796077919, 0, 0, '', '', 0, 0, 'default-of-13', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(28, 13, 'sk-made-up-type-13-here', NULL, NULL, 1, 'type 13 here', 1, 1796077919, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-13', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(29, 14, 'sk-made-up-type-14', NULL, NULL, 1, 'type 14 at its default', 0, 1796077919, 0, 0, '', '', 0, 0, 'claude-sonnet-4-20250514,default-of-14', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(30, 14, 'sk-made-up-type-14-here', NULL, NULL, 1, 'type 14 here', 2, 1796077919, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-14', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(31, 15, 'made-up-baidu-id|made-up-baidu-secret', NULL, NULL, 1, 'type 15 at its default', 0, 1796077919, 0, 0, '', '', 0, 0, 'default-of-15', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(32, 15, 'made-up-baidu-id|made-up-baidu-secret-here', NULL, NULL, 1, 'type 15 here', 3, 1796077920, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-15', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(33, 16, 'madeupzhipuid.madeupzhipusecret', NULL, NULL, 1, 'type 16 at its default', 0, 1796077920, 0, 0, '', '', 0, 0, 'default-of-16', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(34, 16, 'madeupzhipuid.madeupzhipusecret-here', NULL, NULL, 1, 'type 16 here', 0, 1796077920, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-16', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(35, 17, 'sk-made-up-type-17', NULL, NULL, 1, 'type 17 at its default', 0, 1796077920, 0, 0, '', '', 0, 0, 'default-of-17', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(36, 17, 'sk-made-up-type-17-here', NULL, NULL, 1, 'type 17 here', 1, 1796077920, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-17', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(37, 18, 'made-up-app|made-up-api-secret|made-up-api-key', NULL, NULL, 1, 'type 18 at its default', 0, 1796077920, 0, 0, '', 'v3.5', 0, 0, 'default-of-18', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(38, 18, 'made-up-app|made-up-api-secret|made-up-api-key-here', NULL, NULL, 1, 'type 18 here', 2, 1796077920, 0, 0, 'http://127.0.0.1:19999', 'v3.5', 0, 0, 'here-18', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(39, 19, 'sk-made-up-type-19', NULL, NULL, 1, 'type 19 at its default', 0, 1796077920, 0, 0, '', '', 0, 0, 'default-of-19', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(40, 19, 'sk-made-up-type-19-here', NULL, NULL, 1, 'type 19 here', 3, 1796077920, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-19', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(41, 20, 'sk-made-up-type-20', NULL, NULL, 1, 'type 20 at its default', 0, 1796077920, 0, 0, '', '', 0, 0, 'default-of-20', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(42, 20, 'sk-made-up-type-20-here', NULL, NULL, 1, 'type 20 here', 0, 1796077920, 0, 0, 'http://127.0.0.1:19999/api', '', 0, 0, 'here-20', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(43, 21, 'sk-made-up-type-21', NULL, NULL, 1, 'type 21 at its default', 0, 1796077920, 0, 0, '', '', 0, 0, 'default-of-21', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(44, 21, 'sk-made-up-type-21-here', NULL, NULL, 1, 'type 21 here', 1, 1796077920, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-21', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(45, 22, 'sk-made-up-type-22', NULL, NULL, 1, 'type 22 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-22', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(46, 22, 'sk-made-up-type-22-here', NULL, NULL, 1, 'type 22 here', 2, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-22', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(47, 23, '1000001|made-up-secret-id|made-up-secret-key', NULL, NULL, 1, 'type 23 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-23', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(48, 23, '1000001|made-up-secret-id|made-up-secret-key-here', NULL, NULL, 1, 'type 23 here', 3, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-23', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(49, 24, 'sk-made-up-type-24', NULL, NULL, 1, 'type 24 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'gemini-2.5-pro,default-of-24', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(50, 24, 'sk-made-up-type-24-here', NULL, NULL, 1, 'type 24 here', 0, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-24', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', '');
INSERT INTO public.channels VALUES
	(51, 25, 'sk-made-up-type-25', NULL, NULL, 1, 'type 25 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-25', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(52, 25, 'sk-made-up-type-25-here', NULL, NULL, 1, 'type 25 here', 1, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-25', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(53, 26, 'sk-made-up-type-26', NULL, NULL, 1, 'type 26 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-26', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(54, 26, 'sk-made-up-type-26-here', NULL, NULL, 1, 'type 26 here', 2, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-26', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(55, 27, 'sk-made-up-type-27', NULL, NULL, 1, 'type 27 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-27', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(56, 27, 'sk-made-up-type-27-here', NULL, NULL, 1, 'type 27 here', 3, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-27', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(57, 28, 'sk-made-up-type-28', NULL, NULL, 1, 'type 28 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-28', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(58, 28, 'sk-made-up-type-28-here', NULL, NULL, 1, 'type 28 here', 0, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-28', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(59, 29, 'sk-made-up-type-29', NULL, NULL, 1, 'type 29 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-29', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(60, 29, 'sk-made-up-type-29-here', NULL, NULL, 1, 'type 29 here', 1, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-29', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(61, 30, 'sk-made-up-type-30', NULL, NULL, 1, 'type 30 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-30', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(62, 30, 'sk-made-up-type-30-here', NULL, NULL, 1, 'type 30 here', 2, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-30', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(63, 31, 'sk-made-up-type-31', NULL, NULL, 1, 'type 31 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-31', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(64, 31, 'sk-made-up-type-31-here', NULL, NULL, 1, 'type 31 here', 3, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-31', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(65, 32, 'sk-made-up-type-32', NULL, NULL, 1, 'type 32 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-32', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(66, 32, 'sk-made-up-type-32-here', NULL, NULL, 1, 'type 32 here', 0, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-32', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(67, 33, 'AKIAMADEUPMADEUP0033|made-up/aws+secret=33|us-east-1', NULL, NULL, 1, 'type 33 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'claude-sonnet-4-20250514,default-of-33', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', '{"aws_key_type": "ak_sk"}'),
	(68, 34, 'sk-made-up-type-34', NULL, NULL, 1, 'type 34 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-34', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(69, 34, 'sk-made-up-type-34-here', NULL, NULL, 1, 'type 34 here', 2, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-34', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(70, 35, 'sk-made-up-type-35', NULL, NULL, 1, 'type 35 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-35', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(71, 35, 'sk-made-up-type-35-here', NULL, NULL, 1, 'type 35 here', 3, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-35', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(72, 36, 'sk-made-up-type-36', NULL, NULL, 1, 'type 36 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-36', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(73, 36, 'sk-made-up-type-36-here', NULL, NULL, 1, 'type 36 here', 0, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-36', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(74, 37, 'sk-made-up-type-37', NULL, NULL, 1, 'type 37 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-37', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(75, 37, 'sk-made-up-type-37-here', NULL, NULL, 1, 'type 37 here', 1, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-37', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(76, 38, 'sk-made-up-type-38', NULL, NULL, 1, 'type 38 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-38', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(77, 38, 'sk-made-up-type-38-here', NULL, NULL, 1, 'type 38 here', 2, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-38', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(78, 39, 'sk-made-up-type-39', NULL, NULL, 1, 'type 39 at its default', 0, 1796077921, 0, 0, '', 'made-up-cloudflare-account', 0, 0, 'default-of-39', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(79, 39, 'sk-made-up-type-39-here', NULL, NULL, 1, 'type 39 here', 3, 1796077921, 0, 0, 'http://127.0.0.1:19999', 'made-up-cloudflare-account', 0, 0, 'here-39', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(80, 40, 'sk-made-up-type-40', NULL, NULL, 1, 'type 40 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-40', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(82, 41, '{"type": "service_account", "project_id": "made-up-project", "private_key_id": "made-up", "private_key": "-----BEGIN PRIVATE KEY-----\nMADE UP, NOT A KEY\n-----END PRIVATE KEY-----\n", "client_email": "made-up@made-up-project.iam.gserviceaccount.com", "client_id": "0", "token_uri": "http://127.0.0.1:19999/token"}', NULL, NULL, 1, 'type 41 at its default', 0, 1796077921, 0, 0, '', '{"default": "us-central1", "gemini-2.5-pro": "global"}', 0, 0, 'gemini-2.5-pro,default-of-41', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', '{"vertex_key_type": "json"}'),
	(83, 42, 'sk-made-up-type-42', NULL, NULL, 1, 'type 42 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-42', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(85, 43, 'sk-made-up-type-43', NULL, NULL, 1, 'type 43 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'deepseek-chat,default-of-43', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(86, 43, 'sk-made-up-type-43-here', NULL, NULL, 1, 'type 43 here', 3, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-43', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(87, 44, 'sk-made-up-type-44', NULL, NULL, 1, 'type 44 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-44', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(88, 44, 'sk-made-up-type-44-here', NULL, NULL, 1, 'type 44 here', 0, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-44', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(89, 45, 'sk-made-up-type-45', NULL, NULL, 1, 'type 45 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-45', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(90, 45, 'sk-made-up-type-45-here', NULL, NULL, 1, 'type 45 here', 1, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-45', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(91, 46, 'sk-made-up-type-46', NULL, NULL, 1, 'type 46 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-46', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(84, 42, 'sk-made-up-type-42-here', NULL, NULL, 1, 'type 42 here', 2, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-42', 'default,vip', 0, NULL, '', 0, 1, '', NULL, 'not json', NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', 'not json'),
	(92, 46, 'sk-made-up-type-46-here', NULL, NULL, 1, 'type 46 here', 2, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-46', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(93, 47, 'sk-made-up-type-47', NULL, NULL, 1, 'type 47 at its default', 0, 1796077921, 0, 0, 'http://localhost:9997', '', 0, 0, 'default-of-47', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(94, 47, 'sk-made-up-type-47-here', NULL, NULL, 1, 'type 47 here', 3, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-47', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(95, 48, 'sk-made-up-type-48', NULL, NULL, 1, 'type 48 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'grok-4,default-of-48', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(96, 48, 'sk-made-up-type-48-here', NULL, NULL, 1, 'type 48 here', 0, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-48', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(97, 49, 'sk-made-up-type-49', NULL, NULL, 1, 'type 49 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-49', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(98, 49, 'sk-made-up-type-49-here', NULL, NULL, 1, 'type 49 here', 1, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-49', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(99, 50, 'sk-made-up-type-50', NULL, NULL, 1, 'type 50 at its default', 0, 1796077921, 0, 0, '', '', 0, 0, 'default-of-50', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(100, 50, 'sk-made-up-type-50-here', NULL, NULL, 1, 'type 50 here', 2, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-50', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(101, 51, 'sk-made-up-type-51', NULL, NULL, 1, 'type 51 at its default', 0, 1796077922, 0, 0, '', '', 0, 0, 'default-of-51', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', '');
INSERT INTO public.channels VALUES
	(102, 51, 'sk-made-up-type-51-here', NULL, NULL, 1, 'type 51 here', 3, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-51', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(103, 52, 'sk-made-up-type-52', NULL, NULL, 1, 'type 52 at its default', 0, 1796077922, 0, 0, '', '', 0, 0, 'default-of-52', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(104, 52, 'sk-made-up-type-52-here', NULL, NULL, 1, 'type 52 here', 0, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-52', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(105, 53, 'sk-made-up-type-53', NULL, NULL, 1, 'type 53 at its default', 0, 1796077922, 0, 0, '', '', 0, 0, 'default-of-53', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(106, 53, 'sk-made-up-type-53-here', NULL, NULL, 1, 'type 53 here', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-53', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(107, 54, 'sk-made-up-type-54', NULL, NULL, 1, 'type 54 at its default', 0, 1796077922, 0, 0, '', '', 0, 0, 'default-of-54', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(108, 54, 'sk-made-up-type-54-here', NULL, NULL, 1, 'type 54 here', 2, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-54', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(109, 55, 'sk-made-up-type-55', NULL, NULL, 1, 'type 55 at its default', 0, 1796077922, 0, 0, '', '', 0, 0, 'default-of-55', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(110, 55, 'sk-made-up-type-55-here', NULL, NULL, 1, 'type 55 here', 3, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-55', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(111, 56, 'sk-made-up-type-56', NULL, NULL, 1, 'type 56 at its default', 0, 1796077922, 0, 0, '', '', 0, 0, 'default-of-56', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(112, 56, 'sk-made-up-type-56-here', NULL, NULL, 1, 'type 56 here', 0, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-56', 'default,vip', 0, NULL, '', 2, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(113, 57, '{"access_token": "made-up-access", "refresh_token": "made-up-refresh", "account_id": "made-up-account"}', NULL, NULL, 1, 'type 57 at its default', 0, 1796077922, 0, 0, '', '', 0, 0, 'default-of-57', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(114, 58, 'sk-made-up-type-58', NULL, NULL, 1, 'type 58 at its default', 0, 1796077922, 0, 0, '', '', 0, 0, 'default-of-58', 'svip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', '{"advanced_custom": {"advanced_routes": [{"incoming_path": "/v1/chat/completions", "upstream_path": "/made-up/chat"}]}}'),
	(115, 58, 'sk-made-up-type-58-here', NULL, NULL, 1, 'type 58 here', 2, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-58', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', '{"advanced_custom": {"advanced_routes": [{"incoming_path": "/v1/chat/completions", "upstream_path": "/made-up/chat"}]}}'),
	(117, 1, 'sk-made-up-second', NULL, NULL, 1, 'openai second', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'gpt-4o,gpt-4o-mini', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(121, 1, 'sk-made-up-chance-1
sk-made-up-chance-2
sk-made-up-chance-3
sk-made-up-chance-4', NULL, NULL, 1, 'several keys by chance', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'many-keys-by-chance', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":true,"multi_key_size":4,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":"random"}', ''),
	(123, 41, '{"client_email":"made-up@made-up-project-1.iam.gserviceaccount.com","client_id":"0","private_key":"-----BEGIN PRIVATE KEY-----\nMADE UP, NOT A KEY\n-----END PRIVATE KEY-----\n","private_key_id":"made-up","project_id":"made-up-project-1","token_uri":"http://127.0.0.1:19999/token","type":"service_account"}
{"client_email":"made-up@made-up-project-2.iam.gserviceaccount.com","client_id":"0","private_key":"-----BEGIN PRIVATE KEY-----\nMADE UP, NOT A KEY\n-----END PRIVATE KEY-----\n","private_key_id":"made-up","project_id":"made-up-project-2","token_uri":"http://127.0.0.1:19999/token","type":"service_account"}', NULL, NULL, 1, 'vertex two accounts', 1, 1796077922, 0, 0, '', '{"default": "us-central1"}', 0, 0, 'vertex-two', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":true,"multi_key_size":2,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":"random"}', '{"vertex_key_type": "json"}'),
	(124, 1, 'sk-made-up-batch-1', NULL, NULL, 1, 'batch', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'batch-model', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(125, 1, 'sk-made-up-batch-2', NULL, NULL, 1, 'batch', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'batch-model', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(126, 1, 'sk-made-up-batch-3', NULL, NULL, 1, 'batch', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'batch-model', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(127, 41, 'AIzaMadeUpVertexKeyMadeUpVertexKeyMadeU', NULL, NULL, 1, 'vertex api key', 1, 1796077922, 0, 0, '', '{"default": "global"}', 0, 0, 'vertex-key', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', '{"vertex_key_type": "api_key"}'),
	(128, 33, 'madeupbedrockapikey|us-west-2', NULL, NULL, 1, 'aws with an api key', 1, 1796077922, 0, 0, '', '', 0, 0, 'claude-aws-key', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', '{"aws_key_type": "api_key"}'),
	(129, 14, 'sk-ant-made-up-anthropic', NULL, NULL, 1, 'anthropic', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'claude-sonnet-4-20250514,claude-3-5-haiku-20241022', 'default,vip', 0, NULL, '', 10, 1, '', NULL, NULL, NULL, '{"anthropic-beta": "made-up-2025", "X-Made-Up": "yes"}', NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(131, 3, 'madeupazurekey00000000000000001', NULL, NULL, 1, 'azure', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '2024-10-21', 0, 0, 'gpt-4.1', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', '{"azure_responses_version": "preview"}'),
	(120, 1, 'sk-made-up-turn-1
sk-made-up-turn-2
sk-made-up-turn-3', NULL, NULL, 1, 'several keys in turn', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'many-keys', 'default,vip', 240, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":true,"multi_key_size":3,"multi_key_status_list":null,"multi_key_polling_index":2,"multi_key_mode":"polling"}', ''),
	(116, 1, 'sk-made-up-first', NULL, NULL, 1, 'openai first', 5, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'gpt-4o,gpt-4o-mini,gpt-4', 'default', 520, '{"gpt-4": "gpt-4o"}', '', 10, 1, '', 'the good ones', NULL, NULL, NULL, 'made up', '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(119, 1, 'sk-made-up-vip-two', NULL, NULL, 1, 'vip two', 0, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'gpt-4o', 'vip', 105, NULL, '', 5, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(130, 24, 'AIzaMadeUpMadeUpMadeUpMadeUpMadeUpMadeU', NULL, NULL, 1, 'gemini', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', 'v1beta', 0, 0, 'gemini-2.5-pro,gemini-2.5-flash', 'default,vip', 420, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(132, 43, 'sk-made-up-deepseek', NULL, NULL, 1, 'deepseek', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'deepseek-chat', 'default,vip', 40, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(133, 1, 'sk-made-up-proxied', NULL, NULL, 1, 'through a proxy', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'via-proxy', 'default,vip', 0, NULL, '', 0, 1, '', NULL, '{"proxy": "socks5://made-up-user:made-up-password@127.0.0.1:1080", "force_format": true}', NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(134, 1, 'sk-made-up-override', 'org-made-up', NULL, 1, 'with overrides', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'overridden', 'default,vip', 0, NULL, '{"404": "500"}', 0, 1, '', NULL, NULL, '{"temperature": 0.1, "max_tokens": 64}', '{"X-Api-Override": "{api_key}", "X-Made-Up": "1"}', NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(135, 1, 'sk-made-up-system', NULL, NULL, 1, 'with a system prompt', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'with-system-prompt', 'default,vip', 0, NULL, '', 0, 1, '', NULL, '{"system_prompt": "Answer in made-up words", "system_prompt_override": true, "thinking_to_content": true, "pass_through_body_enabled": false}', NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(138, 1, 'sk-made-up-odd-$HOME-${PATH}', NULL, NULL, 1, '带中文 "quotes" # ${HOME} $PATH: ''yes''', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'odd:name,${HOME}', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(139, 1, 'sk-made-up-map', NULL, NULL, 1, 'mapped', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'short', 'default,vip', 0, '{"short": "middle", "middle": "a-long-upstream-name"}', '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(141, 1, 'sk-made-up-weighted-1', NULL, NULL, 1, 'weighted 1', 10, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'weighted', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(142, 1, 'sk-made-up-weighted-2', NULL, NULL, 1, 'weighted 2', 90, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'weighted', 'default,vip', 0, NULL, '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(136, 1, 'sk-made-up-off', NULL, NULL, 2, 'by hand off', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'switched-off', 'default,vip', 0, NULL, '', 0, 1, '{"status_reason":"manual operation","status_time":1796077924}', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(122, 1, 'sk-made-up-partly-1
sk-made-up-partly-2
sk-made-up-partly-3', NULL, NULL, 1, 'one key of three is off', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'partly-off', 'default,vip', 0, NULL, '', 0, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":true,"multi_key_size":3,"multi_key_status_list":{"1":2},"multi_key_polling_index":0,"multi_key_mode":"polling"}', ''),
	(137, 1, 'sk-made-up-off-by-itself', NULL, NULL, 3, 'by itself off', 1, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'switched-off', 'default,vip', 0, NULL, '', 0, 1, '{"status_reason":"made-up 401 sk-made-up-secret-in-a-reason","status_time":1764500000}', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(81, 40, 'sk-made-up-type-40-here', NULL, NULL, 1, 'type 40 here', 0, 1796077921, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'here-40', 'default,vip', 0, '{"broken": ', '', 1, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(118, 1, 'sk-made-up-vip-one', NULL, NULL, 1, 'vip one', 30, 1796077922, 0, 0, 'http://127.0.0.1:19999', '', 0, 0, 'gpt-4o', 'vip', 315, NULL, '', 5, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', ''),
	(140, 1, 'sk-made-up-weighted-0', NULL, NULL, 1, 'weighted 0', NULL, 1796077922, 0, 0, NULL, '', 0, 0, 'weighted', 'default,vip', 0, NULL, '', NULL, 1, '', NULL, NULL, NULL, NULL, NULL, '{"is_multi_key":false,"multi_key_size":0,"multi_key_status_list":null,"multi_key_polling_index":0,"multi_key_mode":""}', '');
INSERT INTO public.logs VALUES
	(1, 1, 1796077918, 3, 'Updated system setting GroupRatio', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231587341803998268d9d66l7Gfn4N', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"option.update","params":{"key":"GroupRatio"}}}'),
	(2, 1, 1796077918, 3, 'Updated system setting UserUsableGroups', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231587681679298268d9d6HeLJ3e8V', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"option.update","params":{"key":"UserUsableGroups"}}}'),
	(3, 1, 1796077918, 3, 'Updated system setting AutoGroups', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231587969670128268d9d6L2oQjIHT', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"option.update","params":{"key":"AutoGroups"}}}'),
	(4, 1, 1796077918, 3, 'Updated system setting ModelRatio', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231588180619538268d9d6Fuqp6ua3', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"option.update","params":{"key":"ModelRatio"}}}'),
	(5, 1, 1796077918, 3, 'Updated system setting CompletionRatio', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231588534744548268d9d6Y5KkAepm', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"option.update","params":{"key":"CompletionRatio"}}}'),
	(6, 1, 1796077918, 3, 'Updated system setting ModelPrice', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231589000685988268d9d6Na8dyKZw', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"option.update","params":{"key":"ModelPrice"}}}'),
	(7, 1, 1796077918, 3, 'Updated system setting SMTPToken', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231589249170438268d9d6lkrNqOcV', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"option.update","params":{"key":"SMTPToken"}}}'),
	(8, 1, 1796077918, 3, 'Updated system setting SystemName', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231589687779028268d9d69cjmMp6x', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"option.update","params":{"key":"SystemName"}}}'),
	(9, 1, 1796077918, 3, 'Updated system setting RetryTimes', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231589911908948268d9d6TCo8A2Np', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"option.update","params":{"key":"RetryTimes"}}}'),
	(10, 1, 1796077919, 3, 'Updated system setting performance_setting.monitor_enabled', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231590100042018268d9d6MBRnx5LB', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"option.update","params":{"key":"performance_setting.monitor_enabled"}}}'),
	(11, 1, 1796077919, 3, 'Created channel type 00 at its default (type 0, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231590354897448268d9d6TekTz3NT', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 00 at its default","type":0}}}'),
	(12, 1, 1796077919, 3, 'Created channel type 00 here (type 0, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231590506891458268d9d6d0QmQuNY', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 00 here","type":0}}}'),
	(13, 1, 1796077919, 3, 'Created channel type 01 at its default (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231590736597478268d9d6MlBv4FEn', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 01 at its default","type":1}}}'),
	(14, 1, 1796077919, 3, 'Created channel type 01 here (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231590955500828268d9d6NrEU0ot2', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 01 here","type":1}}}'),
	(15, 1, 1796077919, 3, 'Created channel type 02 at its default (type 2, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231591081649688268d9d6AOGOx9Yy', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 02 at its default","type":2}}}'),
	(16, 1, 1796077919, 3, 'Created channel type 02 here (type 2, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231591291953438268d9d6uzu6DOrr', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 02 here","type":2}}}'),
	(17, 1, 1796077919, 3, 'Created channel type 03 at its default (type 3, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231591641665078268d9d6BXoEl4I2', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 03 at its default","type":3}}}'),
	(18, 1, 1796077919, 3, 'Created channel type 03 here (type 3, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231591857232558268d9d6FGIXkItr', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 03 here","type":3}}}'),
	(19, 1, 1796077919, 3, 'Created channel type 04 at its default (type 4, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231592056777808268d9d6QypIlx63', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 04 at its default","type":4}}}'),
	(20, 1, 1796077919, 3, 'Created channel type 04 here (type 4, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231592348870238268d9d64Q1qZYwJ', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 04 here","type":4}}}'),
	(21, 1, 1796077919, 3, 'Created channel type 05 at its default (type 5, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231592694516228268d9d6O0vZyHNc', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 05 at its default","type":5}}}'),
	(22, 1, 1796077919, 3, 'Created channel type 05 here (type 5, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231593376255998268d9d63RGv4SMi', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 05 here","type":5}}}'),
	(23, 1, 1796077919, 3, 'Created channel type 06 at its default (type 6, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231593680210368268d9d6FDnbtXFn', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 06 at its default","type":6}}}'),
	(24, 1, 1796077919, 3, 'Created channel type 06 here (type 6, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231594139389258268d9d6lKBBRA0o', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 06 here","type":6}}}'),
	(25, 1, 1796077919, 3, 'Created channel type 07 at its default (type 7, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231594364628728268d9d6IOqawBkF', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 07 at its default","type":7}}}'),
	(26, 1, 1796077919, 3, 'Created channel type 07 here (type 7, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231595505155708268d9d6LbBW0WfX', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 07 here","type":7}}}'),
	(27, 1, 1796077919, 3, 'Created channel type 08 at its default (type 8, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231595605474848268d9d6SUIVI5zy', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 08 at its default","type":8}}}'),
	(28, 1, 1796077919, 3, 'Created channel type 08 here (type 8, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231596101018628268d9d6evepSlzR', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 08 here","type":8}}}'),
	(29, 1, 1796077919, 3, 'Created channel type 09 at its default (type 9, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231596379279978268d9d6MUpHfRjp', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 09 at its default","type":9}}}'),
	(30, 1, 1796077919, 3, 'Created channel type 09 here (type 9, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231596593302158268d9d6ejTvTnfM', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 09 here","type":9}}}'),
	(31, 1, 1796077919, 3, 'Created channel type 10 at its default (type 10, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231597537812938268d9d60GBOnzPv', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 10 at its default","type":10}}}'),
	(32, 1, 1796077919, 3, 'Created channel type 10 here (type 10, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231597710180358268d9d6oGck7p29', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 10 here","type":10}}}'),
	(33, 1, 1796077919, 3, 'Created channel type 11 at its default (type 11, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231597869585898268d9d6nM48P7BV', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 11 at its default","type":11}}}'),
	(34, 1, 1796077919, 3, 'Created channel type 11 here (type 11, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231597947394348268d9d6EMsGEWSJ', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 11 here","type":11}}}'),
	(35, 1, 1796077919, 3, 'Created channel type 12 at its default (type 12, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231598111564668268d9d6M0s2Xl7r', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 12 at its default","type":12}}}'),
	(36, 1, 1796077919, 3, 'Created channel type 12 here (type 12, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231598290840668268d9d6curXAr4W', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 12 here","type":12}}}'),
	(37, 1, 1796077919, 3, 'Created channel type 13 at its default (type 13, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231598456724238268d9d65uCuHFV4', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 13 at its default","type":13}}}'),
	(38, 1, 1796077919, 3, 'Created channel type 13 here (type 13, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231598568616588268d9d6pDBOeghI', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 13 here","type":13}}}'),
	(39, 1, 1796077919, 3, 'Created channel type 14 at its default (type 14, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231599446063398268d9d6kWGCq5Dn', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 14 at its default","type":14}}}'),
	(40, 1, 1796077919, 3, 'Created channel type 14 here (type 14, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231599668867348268d9d6EyGkIRGm', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 14 here","type":14}}}'),
	(41, 1, 1796077919, 3, 'Created channel type 15 at its default (type 15, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302231599878830598268d9d6LCdA9hFK', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 15 at its default","type":15}}}'),
	(42, 1, 1796077920, 3, 'Created channel type 15 here (type 15, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232001804588108268d9d6nvWJcSgK', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 15 here","type":15}}}'),
	(43, 1, 1796077920, 3, 'Created channel type 16 at its default (type 16, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232001927312168268d9d6GFxqZ2uf', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 16 at its default","type":16}}}'),
	(44, 1, 1796077920, 3, 'Created channel type 16 here (type 16, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232002977400908268d9d6hXoadiUL', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 16 here","type":16}}}'),
	(45, 1, 1796077920, 3, 'Created channel type 17 at its default (type 17, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232003145288268268d9d6EzXkdFs6', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 17 at its default","type":17}}}'),
	(46, 1, 1796077920, 3, 'Created channel type 17 here (type 17, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232005339167038268d9d6rnHebFcK', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 17 here","type":17}}}'),
	(47, 1, 1796077920, 3, 'Created channel type 18 at its default (type 18, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232005567190848268d9d62dcBVXg3', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 18 at its default","type":18}}}'),
	(48, 1, 1796077920, 3, 'Created channel type 18 here (type 18, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232005686122578268d9d6o0Q6AD1C', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 18 here","type":18}}}'),
	(49, 1, 1796077920, 3, 'Created channel type 19 at its default (type 19, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232005785897498268d9d6ZDva68L7', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 19 at its default","type":19}}}'),
	(50, 1, 1796077920, 3, 'Created channel type 19 here (type 19, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232009320789798268d9d6bACokiH0', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 19 here","type":19}}}');
INSERT INTO public.logs VALUES
	(51, 1, 1796077920, 3, 'Created channel type 20 at its default (type 20, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232009413859648268d9d66vgTbGpT', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 20 at its default","type":20}}}'),
	(52, 1, 1796077920, 3, 'Created channel type 20 here (type 20, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232009649815968268d9d6ixtlwEX3', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 20 here","type":20}}}'),
	(53, 1, 1796077920, 3, 'Created channel type 21 at its default (type 21, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232009817028518268d9d6to2aRGBC', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 21 at its default","type":21}}}'),
	(54, 1, 1796077921, 3, 'Created channel type 21 here (type 21, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232010000639258268d9d6TYLE8Gos', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 21 here","type":21}}}'),
	(55, 1, 1796077921, 3, 'Created channel type 22 at its default (type 22, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232010154996588268d9d6mE26F1cs', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 22 at its default","type":22}}}'),
	(56, 1, 1796077921, 3, 'Created channel type 22 here (type 22, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232010429946108268d9d6hLyzNqql', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 22 here","type":22}}}'),
	(57, 1, 1796077921, 3, 'Created channel type 23 at its default (type 23, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232010588529718268d9d6JTSA5LTi', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 23 at its default","type":23}}}'),
	(58, 1, 1796077921, 3, 'Created channel type 23 here (type 23, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232010778006588268d9d6Sm87g7nV', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 23 here","type":23}}}'),
	(59, 1, 1796077921, 3, 'Created channel type 24 at its default (type 24, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232010994506358268d9d633jd0VaS', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 24 at its default","type":24}}}'),
	(60, 1, 1796077921, 3, 'Created channel type 24 here (type 24, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232011189206298268d9d6B4DW1fCE', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 24 here","type":24}}}'),
	(61, 1, 1796077921, 3, 'Created channel type 25 at its default (type 25, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232011301180978268d9d6skcSqqUr', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 25 at its default","type":25}}}'),
	(62, 1, 1796077921, 3, 'Created channel type 25 here (type 25, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232011483003758268d9d61sKiDlMM', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 25 here","type":25}}}'),
	(63, 1, 1796077921, 3, 'Created channel type 26 at its default (type 26, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232011625983868268d9d6NHrfeZvh', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 26 at its default","type":26}}}'),
	(64, 1, 1796077921, 3, 'Created channel type 26 here (type 26, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232011764485598268d9d6wnc5cHva', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 26 here","type":26}}}'),
	(65, 1, 1796077921, 3, 'Created channel type 27 at its default (type 27, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232011989510058268d9d6OjGu2vsr', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 27 at its default","type":27}}}'),
	(66, 1, 1796077921, 3, 'Created channel type 27 here (type 27, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232014216349508268d9d69lGB9tck', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 27 here","type":27}}}'),
	(67, 1, 1796077921, 3, 'Created channel type 28 at its default (type 28, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232014338383248268d9d6Qc5hlU8p', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 28 at its default","type":28}}}'),
	(68, 1, 1796077921, 3, 'Created channel type 28 here (type 28, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232014527626668268d9d6aZELrKRD', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 28 here","type":28}}}'),
	(69, 1, 1796077921, 3, 'Created channel type 29 at its default (type 29, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232014718194568268d9d6tX27Vq46', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 29 at its default","type":29}}}'),
	(70, 1, 1796077921, 3, 'Created channel type 29 here (type 29, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232014795400618268d9d6Lk4xxKK0', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 29 here","type":29}}}'),
	(71, 1, 1796077921, 3, 'Created channel type 30 at its default (type 30, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232014873296398268d9d6dfxncWar', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 30 at its default","type":30}}}'),
	(72, 1, 1796077921, 3, 'Created channel type 30 here (type 30, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232015004235788268d9d6qV1yLI39', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 30 here","type":30}}}'),
	(73, 1, 1796077921, 3, 'Created channel type 31 at its default (type 31, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232015199262218268d9d6FnVaBcRD', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 31 at its default","type":31}}}'),
	(74, 1, 1796077921, 3, 'Created channel type 31 here (type 31, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232015406763998268d9d6xkdKiowa', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 31 here","type":31}}}'),
	(75, 1, 1796077921, 3, 'Created channel type 32 at its default (type 32, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232015456205348268d9d6mHGFF2yH', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 32 at its default","type":32}}}'),
	(76, 1, 1796077921, 3, 'Created channel type 32 here (type 32, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232015593729638268d9d6GNSBKToa', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 32 here","type":32}}}'),
	(77, 1, 1796077921, 3, 'Created channel type 33 at its default (type 33, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232015740659908268d9d6glJY1KG1', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 33 at its default","type":33}}}'),
	(78, 1, 1796077921, 3, 'Created channel type 34 at its default (type 34, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232015893086568268d9d6gn9tLOjo', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 34 at its default","type":34}}}'),
	(79, 1, 1796077921, 3, 'Created channel type 34 here (type 34, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232016032903158268d9d6xljwkwVf', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 34 here","type":34}}}'),
	(80, 1, 1796077921, 3, 'Created channel type 35 at its default (type 35, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232016139242348268d9d6z4yJQCfY', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 35 at its default","type":35}}}'),
	(81, 1, 1796077921, 3, 'Created channel type 35 here (type 35, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232016257672828268d9d6J7X4JHMC', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 35 here","type":35}}}'),
	(82, 1, 1796077921, 3, 'Created channel type 36 at its default (type 36, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232016291463398268d9d6DlauAzk4', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 36 at its default","type":36}}}'),
	(83, 1, 1796077921, 3, 'Created channel type 36 here (type 36, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232016322605228268d9d60TlsWSTW', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 36 here","type":36}}}'),
	(84, 1, 1796077921, 3, 'Created channel type 37 at its default (type 37, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232016408874668268d9d6YCDMmuB3', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 37 at its default","type":37}}}'),
	(85, 1, 1796077921, 3, 'Created channel type 37 here (type 37, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232016473590238268d9d6fASef8rz', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 37 here","type":37}}}'),
	(86, 1, 1796077921, 3, 'Created channel type 38 at its default (type 38, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232016622759248268d9d69JyQ2V8I', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 38 at its default","type":38}}}'),
	(87, 1, 1796077921, 3, 'Created channel type 38 here (type 38, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232016662397708268d9d6HOt91xzS', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 38 here","type":38}}}'),
	(88, 1, 1796077921, 3, 'Created channel type 39 at its default (type 39, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232016694253298268d9d69Eos3l1E', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 39 at its default","type":39}}}'),
	(89, 1, 1796077921, 3, 'Created channel type 39 here (type 39, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232016776165758268d9d6hz1lGZF9', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 39 here","type":39}}}'),
	(90, 1, 1796077921, 3, 'Created channel type 40 at its default (type 40, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232016920559058268d9d66VVtMuym', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 40 at its default","type":40}}}'),
	(91, 1, 1796077921, 3, 'Created channel type 40 here (type 40, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232017030357098268d9d69XmTofci', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 40 here","type":40}}}'),
	(92, 1, 1796077921, 3, 'Created channel type 41 at its default (type 41, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232017246991068268d9d6aecgg9Yq', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 41 at its default","type":41}}}'),
	(93, 1, 1796077921, 3, 'Created channel type 42 at its default (type 42, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232017491853428268d9d6WD6XIFI2', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 42 at its default","type":42}}}'),
	(94, 1, 1796077921, 3, 'Created channel type 42 here (type 42, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232017590877038268d9d632ot6Xhh', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 42 here","type":42}}}'),
	(95, 1, 1796077921, 3, 'Created channel type 43 at its default (type 43, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232017628383238268d9d6gZ1PRzkT', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 43 at its default","type":43}}}'),
	(96, 1, 1796077921, 3, 'Created channel type 43 here (type 43, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232017817461518268d9d62efsvc0U', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 43 here","type":43}}}'),
	(97, 1, 1796077921, 3, 'Created channel type 44 at its default (type 44, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232017929773088268d9d6IFF4qmPj', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 44 at its default","type":44}}}'),
	(98, 1, 1796077921, 3, 'Created channel type 44 here (type 44, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232018077461598268d9d6b4ftAklc', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 44 here","type":44}}}'),
	(99, 1, 1796077921, 3, 'Created channel type 45 at its default (type 45, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232018267207968268d9d6g7m74yEL', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 45 at its default","type":45}}}'),
	(100, 1, 1796077921, 3, 'Created channel type 45 here (type 45, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232018474350118268d9d6CxVAQS0g', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 45 here","type":45}}}');
INSERT INTO public.logs VALUES
	(101, 1, 1796077921, 3, 'Created channel type 46 at its default (type 46, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232018619846258268d9d69BzGra5d', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 46 at its default","type":46}}}'),
	(102, 1, 1796077921, 3, 'Created channel type 46 here (type 46, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232018687909318268d9d6IygyaqdC', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 46 here","type":46}}}'),
	(103, 1, 1796077921, 3, 'Created channel type 47 at its default (type 47, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232018892395618268d9d6QMH6rZVt', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 47 at its default","type":47}}}'),
	(104, 1, 1796077921, 3, 'Created channel type 47 here (type 47, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232018948557158268d9d6PpHxcsxf', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 47 here","type":47}}}'),
	(105, 1, 1796077921, 3, 'Created channel type 48 at its default (type 48, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232019083730648268d9d68wnqnwpy', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 48 at its default","type":48}}}'),
	(106, 1, 1796077921, 3, 'Created channel type 48 here (type 48, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232019216774668268d9d6o3DcCguV', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 48 here","type":48}}}'),
	(107, 1, 1796077921, 3, 'Created channel type 49 at its default (type 49, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232019378575168268d9d64QDCuEVJ', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 49 at its default","type":49}}}'),
	(108, 1, 1796077921, 3, 'Created channel type 49 here (type 49, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232019498170678268d9d6QkzZiHXV', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 49 here","type":49}}}'),
	(109, 1, 1796077921, 3, 'Created channel type 50 at its default (type 50, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232019978268088268d9d62GiKZfbn', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 50 at its default","type":50}}}'),
	(110, 1, 1796077922, 3, 'Created channel type 50 here (type 50, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232020367489598268d9d6IXKt2btj', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 50 here","type":50}}}'),
	(111, 1, 1796077922, 3, 'Created channel type 51 at its default (type 51, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232020481559998268d9d61p4l2nWw', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 51 at its default","type":51}}}'),
	(112, 1, 1796077922, 3, 'Created channel type 51 here (type 51, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232020760390088268d9d6Mj4jUoJ6', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 51 here","type":51}}}'),
	(113, 1, 1796077922, 3, 'Created channel type 52 at its default (type 52, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232020838299188268d9d615pwx9Mx', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 52 at its default","type":52}}}'),
	(114, 1, 1796077922, 3, 'Created channel type 52 here (type 52, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232021058967458268d9d6jToAYW7A', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 52 here","type":52}}}'),
	(115, 1, 1796077922, 3, 'Created channel type 53 at its default (type 53, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232021269818928268d9d6CqjvQlr0', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 53 at its default","type":53}}}'),
	(116, 1, 1796077922, 3, 'Created channel type 53 here (type 53, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232021478607728268d9d6v14iCglV', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 53 here","type":53}}}'),
	(117, 1, 1796077922, 3, 'Created channel type 54 at its default (type 54, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232021645423588268d9d6qC0WQ1FX', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 54 at its default","type":54}}}'),
	(118, 1, 1796077922, 3, 'Created channel type 54 here (type 54, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232021816102898268d9d6TnEyXb9M', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 54 here","type":54}}}'),
	(119, 1, 1796077922, 3, 'Created channel type 55 at its default (type 55, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232022011070838268d9d6cERDn1sI', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 55 at its default","type":55}}}'),
	(120, 1, 1796077922, 3, 'Created channel type 55 here (type 55, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232022133524498268d9d63G8zPx5S', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 55 here","type":55}}}'),
	(121, 1, 1796077922, 3, 'Created channel type 56 at its default (type 56, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232022338150608268d9d6Y8ttSk2O', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 56 at its default","type":56}}}'),
	(122, 1, 1796077922, 3, 'Created channel type 56 here (type 56, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232022574158198268d9d62mDJg9LT', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 56 here","type":56}}}'),
	(123, 1, 1796077922, 3, 'Created channel type 57 at its default (type 57, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232022819346548268d9d6qiwuH7UC', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 57 at its default","type":57}}}'),
	(124, 1, 1796077922, 3, 'Created channel type 58 at its default (type 58, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232023035145378268d9d6QNAne6m0', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 58 at its default","type":58}}}'),
	(125, 1, 1796077922, 3, 'Created channel type 58 here (type 58, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232023163455648268d9d6ghZkoreo', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"type 58 here","type":58}}}'),
	(126, 1, 1796077922, 3, 'Created channel openai first (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232023363486118268d9d6zXPeuKlO', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"openai first","type":1}}}'),
	(127, 1, 1796077922, 3, 'Created channel openai second (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232023555034578268d9d6Nro3Dhr4', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"openai second","type":1}}}'),
	(128, 1, 1796077922, 3, 'Created channel vip one (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232023800212808268d9d6sc4qPvt2', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"vip one","type":1}}}'),
	(129, 1, 1796077922, 3, 'Created channel vip two (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232023891549378268d9d6qIeTdZyO', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"vip two","type":1}}}'),
	(130, 1, 1796077922, 3, 'Created channel several keys in turn (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232024084122358268d9d6oXaXVlhY', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"several keys in turn","type":1}}}'),
	(131, 1, 1796077922, 3, 'Created channel several keys by chance (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232024238217998268d9d6PZilrlDH', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"several keys by chance","type":1}}}'),
	(132, 1, 1796077922, 3, 'Created channel one key of three is off (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232024336829188268d9d66ao2SHQf', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"one key of three is off","type":1}}}'),
	(133, 1, 1796077922, 3, 'Created channel vertex two accounts (type 41, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232024479105048268d9d6VulRuRNh', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"vertex two accounts","type":41}}}'),
	(134, 1, 1796077922, 3, 'Created channel batch (type 1, count 3)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232024620233488268d9d6FDMVqFe1', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":3,"name":"batch","type":1}}}'),
	(135, 1, 1796077922, 3, 'Created channel vertex api key (type 41, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232024839080258268d9d67Hc46FyS', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"vertex api key","type":41}}}'),
	(136, 1, 1796077922, 3, 'Created channel aws with an api key (type 33, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232024937791898268d9d6Wzf6YLi9', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"aws with an api key","type":33}}}'),
	(137, 1, 1796077922, 3, 'Created channel anthropic (type 14, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232025037967428268d9d6ngpn9EO3', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"anthropic","type":14}}}'),
	(138, 1, 1796077922, 3, 'Created channel gemini (type 24, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232025210191428268d9d6pSOXzIP9', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"gemini","type":24}}}'),
	(139, 1, 1796077922, 3, 'Created channel azure (type 3, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232025245033958268d9d6Uw627c15', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"azure","type":3}}}'),
	(140, 1, 1796077922, 3, 'Created channel deepseek (type 43, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232025326435758268d9d6LALdklNf', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"deepseek","type":43}}}'),
	(141, 1, 1796077922, 3, 'Created channel through a proxy (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232025455978168268d9d6dzmElamC', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"through a proxy","type":1}}}'),
	(142, 1, 1796077922, 3, 'Created channel with overrides (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232025576266408268d9d6NxyhOCpF', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"with overrides","type":1}}}'),
	(143, 1, 1796077922, 3, 'Created channel with a system prompt (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232025730422938268d9d6IXxZ8pSM', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"with a system prompt","type":1}}}'),
	(144, 1, 1796077922, 3, 'Created channel by hand off (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232025890884948268d9d6xgxGwY6s', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"by hand off","type":1}}}'),
	(145, 1, 1796077922, 3, 'Created channel by itself off (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232026100059018268d9d6sfUMviLH', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"by itself off","type":1}}}'),
	(146, 1, 1796077922, 3, 'Created channel 带中文 "quotes" # ${HOME} $PATH: ''yes'' (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232026192590368268d9d6gnxjZEtF', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"带中文 \"quotes\" # ${HOME} $PATH: ''yes''","type":1}}}'),
	(147, 1, 1796077922, 3, 'Created channel mapped (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232026338663978268d9d6wxAbnyL1', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"mapped","type":1}}}'),
	(148, 1, 1796077922, 3, 'Created channel weighted 0 (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232026442807898268d9d6x9kj8BDS', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"weighted 0","type":1}}}'),
	(149, 1, 1796077922, 3, 'Created channel weighted 1 (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232026600744048268d9d6wFxM6WVp', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"weighted 1","type":1}}}'),
	(150, 1, 1796077922, 3, 'Created channel weighted 2 (type 1, count 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232026643070618268d9d6SZOq3c92', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.create","params":{"count":1,"name":"weighted 2","type":1}}}');
INSERT INTO public.logs VALUES
	(151, 1, 1796077924, 3, 'channel.status_update', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232043851304728268d9d6yJerVByG', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.status_update","params":{"changed":true,"id":136,"status":2}}}'),
	(152, 1, 1796077924, 3, 'Multi-key management disable_key on channel (ID: 122)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232048459471458268d9d6qy28zVQg', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"channel.multi_key_manage","params":{"action":"disable_key","id":122}}}'),
	(153, 1, 1796077925, 3, 'Created user alice (role 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232053192687558268d9d6ogsTbeer', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.create","params":{"role":1,"target_user_id":2,"username":"alice"}}}'),
	(154, 1, 1796077925, 3, 'Updated user alice (ID: 2)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232056282783108268d9d6FTx1arQa', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.update","params":{"id":2,"target_user_id":2,"username":"alice"}}}'),
	(155, 1, 1796077925, 3, 'Overrode user quota from ＄0.000000 额度 to ＄10.000000 额度', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232056449535478268d9d6sG0zbuHy', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.quota_override","params":{"from":"＄0.000000 额度","target_user_id":2,"to":"＄10.000000 额度"}}}'),
	(156, 1, 1796077926, 3, 'Created user bob (role 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232060209117828268d9d6Jgsk5Pye', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.create","params":{"role":1,"target_user_id":3,"username":"bob"}}}'),
	(157, 1, 1796077926, 3, 'Updated user bob (ID: 3)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232062378933798268d9d67mBdFg2c', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.update","params":{"id":3,"target_user_id":3,"username":"bob"}}}'),
	(158, 1, 1796077926, 3, 'Overrode user quota from ＄0.000000 额度 to ＄25.500002 额度', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232062504572708268d9d6Wq6iYIBJ', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.quota_override","params":{"from":"＄0.000000 额度","target_user_id":3,"to":"＄25.500002 额度"}}}'),
	(159, 1, 1796077926, 3, 'Created user carol (role 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232066623603678268d9d6aNEqUsLe', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.create","params":{"role":1,"target_user_id":4,"username":"carol"}}}'),
	(160, 1, 1796077926, 3, 'Updated user carol (ID: 4)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232069074655928268d9d6yZ1V3ORt', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.update","params":{"id":4,"target_user_id":4,"username":"carol"}}}'),
	(161, 1, 1796077926, 3, 'Overrode user quota from ＄0.000000 额度 to ＄0.000002 额度', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232069266134478268d9d6VBfbuYf4', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.quota_override","params":{"from":"＄0.000000 额度","target_user_id":4,"to":"＄0.000002 额度"}}}'),
	(162, 1, 1796077929, 3, 'Created user dave (role 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232091855954368268d9d6FM89kkNR', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.create","params":{"role":1,"target_user_id":5,"username":"dave"}}}'),
	(163, 1, 1796077929, 3, 'Updated user dave (ID: 5)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232094818986658268d9d6Z9kr83gn', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.update","params":{"id":5,"target_user_id":5,"username":"dave"}}}'),
	(164, 1, 1796077929, 3, 'Overrode user quota from ＄0.000000 额度 to ＄5.000000 额度', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232095084296238268d9d6GOLmTgzG', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.quota_override","params":{"from":"＄0.000000 额度","target_user_id":5,"to":"＄5.000000 额度"}}}'),
	(165, 1, 1796077929, 3, 'Created user erin (role 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232098528807278268d9d67zi1eoSD', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.create","params":{"role":1,"target_user_id":6,"username":"erin"}}}'),
	(166, 1, 1796077930, 3, 'Updated user erin (ID: 6)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232101398264458268d9d6TMOuBJe3', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.update","params":{"id":6,"target_user_id":6,"username":"erin"}}}'),
	(167, 1, 1796077930, 3, 'Overrode user quota from ＄0.000000 额度 to ＄7.000000 额度', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232101540318778268d9d6ENduCAZP', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.quota_override","params":{"from":"＄0.000000 额度","target_user_id":6,"to":"＄7.000000 额度"}}}'),
	(168, 1, 1796077930, 3, 'Created user frank (role 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232104900086558268d9d6zWytzPE3', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.create","params":{"role":1,"target_user_id":7,"username":"frank"}}}'),
	(169, 1, 1796077930, 3, 'Updated user frank (ID: 7)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232107389594318268d9d6zBAfq8hO', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.update","params":{"id":7,"target_user_id":7,"username":"frank"}}}'),
	(170, 1, 1796077931, 3, 'Created user grace (role 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232114724562348268d9d66SUEKjCV', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.create","params":{"role":1,"target_user_id":8,"username":"grace"}}}'),
	(171, 1, 1796077931, 3, 'Updated user grace (ID: 8)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232119580431768268d9d67Sq8JjCD', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.update","params":{"id":8,"target_user_id":8,"username":"grace"}}}'),
	(172, 1, 1796077932, 3, 'Overrode user quota from ＄0.000000 额度 to ＄100.000000 额度', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232127400972098268d9d6koWU3eb8', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.quota_override","params":{"from":"＄0.000000 额度","target_user_id":8,"to":"＄100.000000 额度"}}}'),
	(173, 1, 1796077933, 3, 'Created user judy (role 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232132340278838268d9d6WjUx83nK', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.create","params":{"role":1,"target_user_id":9,"username":"judy"}}}'),
	(174, 1, 1796077934, 3, 'Updated user judy (ID: 9)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232140077460568268d9d6wPyFJEQj', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.update","params":{"id":9,"target_user_id":9,"username":"judy"}}}'),
	(175, 1, 1796077934, 3, 'Overrode user quota from ＄0.000000 额度 to ＄1.555554 额度', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232140413911378268d9d6l6rxTWvD', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.quota_override","params":{"from":"＄0.000000 额度","target_user_id":9,"to":"＄1.555554 额度"}}}'),
	(176, 1, 1796077934, 3, 'Created user karl (role 1)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232144055538958268d9d6utuUW3UF', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.create","params":{"role":1,"target_user_id":10,"username":"karl"}}}'),
	(177, 1, 1796077934, 3, 'Updated user karl (ID: 10)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232147689705838268d9d6J8iu8yMn', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.update","params":{"id":10,"target_user_id":10,"username":"karl"}}}'),
	(178, 1, 1796077934, 3, 'Overrode user quota from ＄0.000000 额度 to ＄8.000000 额度', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232148056845008268d9d6uHhlTgiL', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.quota_override","params":{"from":"＄0.000000 额度","target_user_id":10,"to":"＄8.000000 额度"}}}'),
	(179, 1, 1796077954, 3, 'Performed disable on user dave (ID: 5)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232345814347428268d9d63gV1771b', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.manage","params":{"action":"disable","id":5,"target_user_id":5,"username":"dave"}}}'),
	(180, 1, 1796077954, 3, 'POST /api/user/manage', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232345921732478268d9d6oBUmuv0g', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"audit_info":{"method":"POST","path":"/api/user/manage","route":"/api/user/manage","status":200,"success":false},"op":{"action":"generic","params":{"method":"POST","route":"/api/user/manage"}}}'),
	(181, 1, 1796077954, 3, 'Performed promote on user grace (ID: 8)', 'root', '', '', 0, 0, 0, 0, false, 0, NULL, 0, '', '127.0.0.1', '202611302232346223287878268d9d6pRvUQqLE', '', '{"admin_info":{"admin_id":1,"admin_role":100,"admin_username":"root","auth_method":"access_token"},"op":{"action":"user.manage","params":{"action":"promote","id":8,"target_user_id":8,"username":"grace"}}}'),
	(182, 10, 1796077954, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232346312875758268d9d6aWwPHgL8', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(183, 2, 1796077954, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232347364199028268d9d6hBf8NRwz', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(184, 3, 1796077954, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 118, NULL, 20, 'vip', '', '202611302232348113586138268d9d6WziMrdXz', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["118"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(185, 2, 1796077954, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232348588917048268d9d6f6DvxxMz', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":0,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(186, 8, 1796077955, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232349374575018268d9d60Gto8rWx', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(187, 10, 1796077955, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 1, false, 116, NULL, 27, 'default', '', '202611302232349910750548268d9d6SPeJCzAQ', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(188, 2, 1796077955, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232350623669198268d9d6RdbzIL6o', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(189, 3, 1796077955, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 118, NULL, 20, 'vip', '', '202611302232351237553128268d9d6YZ2F4jQi', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["118"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(190, 2, 1796077955, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232351777847988268d9d6Lljlu14c', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":1,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(191, 8, 1796077955, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232352303921888268d9d6IhBeOxA4', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(192, 10, 1796077955, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232352790349408268d9d6Gg9uaBhG', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(193, 2, 1796077955, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232353454410588268d9d6dk1hgooR', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(194, 3, 1796077955, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 119, NULL, 20, 'vip', '', '202611302232353950251508268d9d6w1G5WG2c', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["119"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(195, 2, 1796077955, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232354435719108268d9d6zChwGRfs', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":2,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(196, 8, 1796077955, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232355080160898268d9d6SxWJ74Fb', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(197, 10, 1796077955, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232355574428578268d9d66uKXRtt1', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(198, 2, 1796077955, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232356262634768268d9d66y71cibz', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(199, 3, 1796077955, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 118, NULL, 20, 'vip', '', '202611302232356894614718268d9d6sPxPR5BT', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["118"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(203, 2, 1796077955, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232359151331668268d9d6EPdbuBKz', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}');
INSERT INTO public.logs VALUES
	(204, 3, 1796077956, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 1, false, 118, NULL, 20, 'vip', '', '202611302232359847909918268d9d6Tg0vY2pz', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["118"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(210, 2, 1796077956, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232363316654308268d9d6Iyg4UnXC', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":2,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(212, 10, 1796077956, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232364660390288268d9d6vmoecTPl', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(213, 2, 1796077956, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232365145972048268d9d6bjSituVY', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(214, 3, 1796077956, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 118, NULL, 20, 'vip', '', '202611302232365786581538268d9d6rcRiCOnX', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["118"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(215, 2, 1796077956, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232366354167298268d9d6HsjZvzhX', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":0,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(216, 8, 1796077956, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232367068812018268d9d68arAwjT9', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(223, 2, 1796077957, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232371107638678268d9d6HgHWzdtb', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(226, 8, 1796077957, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232372826008968268d9d6IWd1dW8E', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(200, 2, 1796077955, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232357454486098268d9d60G18j4Q1', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":0,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(201, 8, 1796077955, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232358054212468268d9d6k0BnXGSK', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(202, 10, 1796077955, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232358523648718268d9d6xv3GTimK', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(205, 2, 1796077956, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232360374921518268d9d6tnxq18ky', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":1,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(206, 8, 1796077956, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232361174666838268d9d6E0ViQ9l6', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(207, 10, 1796077956, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232361724443898268d9d6PHL8matx', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(208, 2, 1796077956, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232362307929408268d9d6oiltKmME', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(209, 3, 1796077956, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 118, NULL, 20, 'vip', '', '202611302232362828070778268d9d6k7R5UQKa', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["118"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(211, 8, 1796077956, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232363989411118268d9d6sxiRv7oj', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(217, 10, 1796077956, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232367545609518268d9d6fPCWGKb4', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(218, 2, 1796077956, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232368157203738268d9d6uuDRur4U', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(219, 3, 1796077956, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 119, NULL, 20, 'vip', '', '202611302232368821446778268d9d6P0x7tkin', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["119"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(220, 2, 1796077957, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232369305932118268d9d6u4fyAgb3', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":1,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(221, 8, 1796077957, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 1, false, 130, NULL, 25, 'default', '', '202611302232369854247608268d9d68FBT2nNd', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(222, 10, 1796077957, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232370417924648268d9d603W46joq', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(224, 3, 1796077957, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 119, NULL, 20, 'vip', '', '202611302232371719466648268d9d6TV6fw9Jf', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["119"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(225, 2, 1796077957, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232372142655098268d9d6NcQSmjwY', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":2,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(233, 2, 1796077957, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232376628139218268d9d6tZzYExsg', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(234, 3, 1796077957, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 119, NULL, 20, 'vip', '', '202611302232377267602298268d9d6pYnm3npo', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["119"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(235, 2, 1796077957, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232377811814888268d9d6hj7IeotS', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":1,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(236, 8, 1796077957, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232378506060468268d9d6Eudn60qP', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(237, 10, 1796077957, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232378946052208268d9d60U0tkuNE', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(238, 2, 1796077958, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 1, false, 132, NULL, 3, 'default', '', '202611302232379518739758268d9d6A3ZnCHU0', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(239, 3, 1796077958, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 118, NULL, 20, 'vip', '', '202611302232380067821678268d9d6tEMTslCH', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["118"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(240, 2, 1796077958, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232380544785328268d9d6JOYfxt2d', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":2,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(241, 8, 1796077958, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232381134918818268d9d6zO2VdGJ9', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(242, 10, 1796077958, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232381625903928268d9d6Gc8YX6bS', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(243, 2, 1796077958, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232382104956778268d9d6uuNjKW0d', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(227, 10, 1796077957, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232373267907848268d9d6lKwPu2jQ', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(228, 2, 1796077957, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232373866789058268d9d6nqnWLqZU', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(229, 3, 1796077957, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 118, NULL, 20, 'vip', '', '202611302232374467682768268d9d6OeT47wQR', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["118"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(230, 2, 1796077957, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232375014641738268d9d65W78WO61', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":0,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(231, 8, 1796077957, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232375581632208268d9d69uj98nZo', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(232, 10, 1796077957, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232376076294478268d9d6RGyMlKyt', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(245, 2, 1796077958, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232383111570438268d9d6DcXCCdNf', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":0,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(246, 8, 1796077958, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232383808194158268d9d6IvLihlPl', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(247, 10, 1796077958, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232384347946508268d9d6xJClXTTj', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(248, 2, 1796077958, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232384887052798268d9d61UNS7a7y', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(249, 3, 1796077958, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 118, NULL, 20, 'vip', '', '202611302232385626227508268d9d62kkcR5Yv', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["118"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(250, 2, 1796077958, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232386134972528268d9d6vJtpbhqW', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":1,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(251, 8, 1796077958, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232386748431728268d9d6tKSDVb59', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}');
INSERT INTO public.logs VALUES
	(252, 10, 1796077958, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232387267685078268d9d6ViJCzbnh', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(244, 3, 1796077958, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 118, NULL, 20, 'vip', '', '202611302232382626285418268d9d6qqURfLgl', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["118"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(253, 2, 1796077958, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232387867195328268d9d62zYOUw2J', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(254, 3, 1796077958, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 119, NULL, 20, 'vip', '', '202611302232388466081048268d9d696j7BGz5', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["119"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(255, 2, 1796077958, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232389028158308268d9d6bHIp8k5c', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":2,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(256, 8, 1796077959, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 1, false, 130, NULL, 25, 'default', '', '202611302232389672735198268d9d6zbOEhKTo', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(257, 10, 1796077959, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232390145344258268d9d6AFyapd4q', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(258, 2, 1796077959, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232390909691118268d9d61TQv3IdD', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(259, 3, 1796077959, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 118, NULL, 20, 'vip', '', '202611302232391427611998268d9d60Kpro7RM', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["118"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(260, 2, 1796077959, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232391947432798268d9d6NKOTHE4S', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":0,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(261, 8, 1796077959, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232392585265858268d9d6OcfWy6l1', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(262, 10, 1796077959, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232393068315448268d9d6Jlmn8lKm', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(263, 2, 1796077959, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232393602482898268d9d6DChcBIFg', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(264, 3, 1796077959, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 118, NULL, 20, 'vip', '', '202611302232394225822588268d9d6eEZdUi2H', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["118"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(265, 2, 1796077959, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232394707446268268d9d6AA3V5v6t', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":1,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(266, 8, 1796077959, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232395374679958268d9d6Q98EX2Xp', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(267, 10, 1796077959, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232395905904218268d9d6o0AWKzci', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(268, 2, 1796077959, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232396386396918268d9d6GL2MS3FM', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(269, 3, 1796077959, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 118, NULL, 20, 'vip', '', '202611302232396986057688268d9d6D7KGgbrS', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["118"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(270, 2, 1796077959, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232397468823408268d9d68i01LF4J', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":2,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(271, 8, 1796077959, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232398152001318268d9d60Gn6NZxp', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(272, 10, 1796077959, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232398631150608268d9d6gASZgQm1', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(273, 2, 1796077959, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232399188071398268d9d696YQgqOB', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(274, 3, 1796077960, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 1, false, 118, NULL, 20, 'vip', '', '202611302232399708682578268d9d6iIlGULkq', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["118"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(275, 2, 1796077960, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232400188364258268d9d6BkZVWCTz', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":0,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(276, 8, 1796077960, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232400854917248268d9d60vR2vXIC', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(277, 10, 1796077960, 2, '', 'karl', 'karl spends', 'gpt-4o', 26, 9, 3, 0, false, 116, NULL, 27, 'default', '', '202611302232401509935768268d9d6G4kEyozE', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["116"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(278, 2, 1796077960, 2, '', 'alice', 'alice one dollar', 'deepseek-chat', 2, 9, 3, 0, false, 132, NULL, 3, 'default', '', '202611302232402056016028268d9d66Y0ChfRj', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["132"]},"billing_source":"wallet","cache_ratio":0.25,"cache_tokens":0,"completion_ratio":2,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.135,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(279, 3, 1796077960, 2, '', 'bob', 'bob unlimited', 'gpt-4o', 21, 9, 3, 0, false, 118, NULL, 20, 'vip', '', '202611302232402647945098268d9d6KDIo511N', '', '{"admin_info":{"usage_billing_path":"upstream","use_channel":["118"]},"billing_source":"wallet","cache_ratio":0.5,"cache_tokens":0,"completion_ratio":4,"frt":-1000,"group_ratio":0.8,"model_price":-1,"model_ratio":1.25,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(280, 2, 1796077960, 2, '', 'alice', 'alice unlimited', 'many-keys', 12, 9, 3, 0, false, 120, NULL, 2, 'default', '', '202611302232403139375058268d9d6yvrG1fyP', '', '{"admin_info":{"is_multi_key":true,"multi_key_index":1,"usage_billing_path":"upstream","use_channel":["120"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":1,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":1,"request_conversion":["OpenAI Compatible"],"request_path":"/v1/chat/completions","user_group_ratio":-1}'),
	(281, 8, 1796077960, 2, '', 'grace', 'grace admin', 'gemini-2.5-pro', 21, 9, 3, 0, false, 130, NULL, 25, 'default', '', '202611302232403695089258268d9d62mkbtDQT', '', '{"admin_info":{"usage_billing_path":"billing-usage-gemini","use_channel":["130"]},"billing_source":"wallet","cache_ratio":1,"cache_tokens":0,"completion_ratio":8,"frt":-1000,"group_ratio":1,"model_price":-1,"model_ratio":0.625,"request_conversion":["OpenAI Compatible","Google Gemini"],"request_path":"/v1/chat/completions","user_group_ratio":-1}');
INSERT INTO public.options VALUES
	('SelfUseModeEnabled', 'true'),
	('DemoSiteEnabled', 'false'),
	('GroupRatio', '{"default": 1, "vip": 0.8, "svip": 0.5}'),
	('UserUsableGroups', '{"default": "made up", "vip": "made up", "auto": "made up"}'),
	('AutoGroups', '["default", "vip"]'),
	('ModelRatio', '{"gpt-4o": 1.25, "gpt-4o-mini": 0.075, "gpt-4": 15, "claude-sonnet-4-20250514": 1.5, "gemini-2.5-pro": 0.625, "deepseek-chat": 0.135, "grok-4": 1.5, "many-keys": 1}'),
	('CompletionRatio', '{"gpt-4o": 4, "deepseek-chat": 2}'),
	('ModelPrice', '{"suno_music": 0.1, "made-up-picture": 0.04}'),
	('SMTPToken', 'made-up-smtp-secret'),
	('SystemName', 'Made Up'),
	('RetryTimes', '2'),
	('performance_setting.monitor_enabled', 'false');
INSERT INTO public.quota_data VALUES
	(1, 10, 'karl', 'gpt-4o', 1796076000, 'default', 27, 116, 'vm', 240, 20, 520),
	(2, 2, 'alice', 'deepseek-chat', 1796076000, 'default', 3, 132, 'vm', 240, 20, 40),
	(3, 3, 'bob', 'gpt-4o', 1796076000, 'vip', 20, 118, 'vm', 180, 15, 315),
	(4, 2, 'alice', 'many-keys', 1796076000, 'default', 2, 120, 'vm', 240, 20, 240),
	(5, 8, 'grace', 'gemini-2.5-pro', 1796076000, 'default', 25, 130, 'vm', 240, 20, 420),
	(6, 3, 'bob', 'gpt-4o', 1796076000, 'vip', 20, 119, 'vm', 60, 5, 105);
INSERT INTO public.setups VALUES
	(1, 'v0.0.0', 1796077918);
INSERT INTO public.system_instances VALUES
	('vm', '{"schema_version":1,"node":{"name":"vm","source":"hostname","manually_configured":false,"should_configure_manually":true},"role":{"is_master":true},"runtime":{"version":"v0.0.0","goos":"linux","goarch":"amd64","started_at":1796077915},"host":{"hostname":"vm"},"resources":{"cpu":{"usage_percent":100},"memory":{"usage_percent":7.980637894235689},"storage":{"total_bytes":270553174016,"used_bytes":76235702272,"free_bytes":21557592064,"used_percent":28.177714990507397}}}', 1796077915, 1796077947, 1796077917, 1796077947);
INSERT INTO public.system_tasks VALUES
	(1, 'systask_OgAG9hGYtEH9JR7Wgn14enzaZ33mX87D', 'model_update', 'succeeded', NULL, '', '{"total":0,"processed":0,"progress":100}', '{"checked_channels":0,"changed_channels":0,"detected_add_models":0,"detected_remove_models":0,"failed_channels":0,"auto_added_models":0}', '', 'vm-LYxbzsaq', 1796077917, 1796077917);
INSERT INTO public.tokens VALUES
	(1, 1, 'madeupRootOfAll000000000000000000000000000000000', 1, 'root of all', 1796077943, 1796077943, -1, 0, true, false, '', '', 0, '', false, NULL),
	(4, 2, 'madeupAliceOneUnit200000000000000000000000000000', 1, 'alice one unit', 1796077944, 1796077944, -1, 1, false, false, '', '', 0, '', false, NULL),
	(5, 2, 'madeupAlicePast300000000000000000000000000000000', 1, 'alice past', 1796077944, 1796077944, 1738580000, 0, true, false, '', '', 0, '', false, NULL),
	(6, 2, 'madeupAliceUntil20994000000000000000000000000000', 1, 'alice until 2099', 1796077945, 1796077945, 4070908800, 1234567, false, false, '', '', 0, '', false, NULL),
	(7, 2, 'madeupAliceExhausted5000000000000000000000000000', 1, 'alice exhausted', 1796077945, 1796077945, -1, 0, false, false, '', '', 0, '', false, NULL),
	(9, 2, 'madeupAliceModels7000000000000000000000000000000', 1, 'alice models', 1796077946, 1796077946, -1, 0, true, true, 'gpt-4o,claude-sonnet-4-20250514', '', 0, '', false, NULL),
	(10, 2, 'madeupAliceModelsNotOn80000000000000000000000000', 1, 'alice models not on', 1796077947, 1796077947, -1, 0, true, false, 'gpt-4o-mini', '', 0, '', false, NULL),
	(11, 2, 'madeupAliceElsewhere9000000000000000000000000000', 1, 'alice elsewhere', 1796077947, 1796077947, -1, 0, true, false, '', '203.0.113.0/24
2001:db8::/32', 0, '', false, NULL),
	(12, 2, 'madeupAliceHere100000000000000000000000000000000', 1, 'alice here', 1796077947, 1796077947, -1, 0, true, false, '', '127.0.0.1
::1
', 0, '', false, NULL),
	(13, 2, 'madeupAliceAsVip11000000000000000000000000000000', 1, 'alice as vip', 1796077948, 1796077948, -1, 0, true, false, '', '', 0, 'vip', false, NULL),
	(14, 2, 'madeupAliceAuto120000000000000000000000000000000', 1, 'alice auto', 1796077948, 1796077948, -1, 0, true, false, '', '', 0, 'auto', true, NULL),
	(15, 2, 'madeupAliceAsSvip1300000000000000000000000000000', 1, 'alice as svip', 1796077948, 1796077948, -1, 0, true, false, '', '', 0, 'svip', false, NULL),
	(16, 2, 'madeupAliceDeleted140000000000000000000000000000', 1, 'alice deleted', 1796077949, 1796077949, -1, 0, true, false, '', '', 0, '', false, '2026-11-30 22:32:29.851013+00'),
	(17, 2, 'madeupTheSameName1500000000000000000000000000000', 1, 'the same name', 1796077949, 1796077949, -1, 0, true, false, '', '', 0, '', false, NULL),
	(18, 2, 'madeupTheSameName1600000000000000000000000000000', 1, 'the same name', 1796077950, 1796077950, -1, 300000, false, false, '', '', 0, '', false, NULL),
	(19, 3, 'madeupBobMoreThanHeHas17000000000000000000000000', 1, 'bob more than he has', 1796077950, 1796077950, -1, 1000000000, false, false, '', '', 0, '', false, NULL),
	(21, 4, 'madeupCarolOneUnitLeft19000000000000000000000000', 1, 'carol one unit left', 1796077951, 1796077951, -1, 0, true, false, '', '', 0, '', false, NULL),
	(22, 5, 'madeupDaveDisabled200000000000000000000000000000', 1, 'dave disabled', 1796077952, 1796077952, -1, 0, true, false, '', '', 0, '', false, NULL),
	(23, 6, 'madeupErinDeleted2100000000000000000000000000000', 1, 'erin deleted', 1796077952, 1796077952, -1, 0, true, false, '', '', 0, '', false, NULL),
	(24, 7, 'madeupFrankInDebt2200000000000000000000000000000', 1, 'frank in debt', 1796077952, 1796077952, -1, 0, true, false, '', '', 0, '', false, NULL),
	(26, 9, 'madeupJudyWrapped2400000000000000000000000000000', 1, 'judy wrapped', 1796077953, 1796077953, -1, 0, true, false, '', '', 0, '', false, NULL),
	(27, 10, 'madeupKarlSpends25000000000000000000000000000000', 1, 'karl spends', 1796077954, 1796077960, -1, 1999480, false, false, '', '', 520, '', false, NULL),
	(3, 2, 'madeupAliceOneDollar1000000000000000000000000000', 1, 'alice one dollar', 1796077944, 1796077960, -1, 499960, false, false, '', '', 40, '', false, NULL),
	(20, 3, 'madeupBobUnlimited180000000000000000000000000000', 1, 'bob unlimited', 1796077951, 1796077960, -1, -420, true, false, '', '', 420, '', false, NULL),
	(25, 8, 'madeupGraceAdmin23000000000000000000000000000000', 1, 'grace admin', 1796077953, 1796077960, -1, -420, true, false, '', '', 420, '', false, NULL),
	(8, 2, 'madeupAliceOff6000000000000000000000000000000000', 2, 'alice off', 1796077946, 1796077946, -1, 0, true, false, '', '', 0, '', false, NULL),
	(2, 2, 'madeupAliceUnlimited0000000000000000000000000000', 1, 'alice unlimited', 1796077943, 1796077960, -1, -240, true, false, '', NULL, 240, '', false, NULL);
INSERT INTO public.users VALUES
	(4, 'carol', 'made-up, not a bcrypt hash', 'Carol', 1, 1, '', '', '', '', '', '', 'madeupaccesstoken000000000000004', 1, 0, 0, 'svip', 'mu04', 0, 0, 0, 0, NULL, '', '{"gotify_priority":0,"sidebar_modules":"{\"chat\":{\"chat\":true,\"enabled\":true,\"playground\":true},\"console\":{\"detail\":true,\"enabled\":true,\"log\":true,\"midjourney\":true,\"task\":true,\"token\":true},\"personal\":{\"enabled\":true,\"personal\":true,\"topup\":true}}"}', '', '', 1796077926, 0),
	(8, 'grace', 'made-up, not a bcrypt hash', 'Grace', 10, 1, '', '', '', '', '', '', 'madeupaccesstoken000000000000008', 49999580, 420, 20, 'default', 'mu08', 0, 0, 0, 0, NULL, '', '{"gotify_priority":0,"sidebar_modules":"{\"chat\":{\"chat\":true,\"enabled\":true,\"playground\":true},\"console\":{\"detail\":true,\"enabled\":true,\"log\":true,\"midjourney\":true,\"task\":true,\"token\":true},\"personal\":{\"enabled\":true,\"personal\":true,\"topup\":true}}"}', '', '', 1796077931, 0),
	(9, 'judy', 'made-up, not a bcrypt hash', 'Judy', 1, 1, '', '', '', '', '', '', 'madeupaccesstoken000000000000009', -2147483648, 2147483647, 0, 'vip', 'mu09', 0, 0, 0, 0, NULL, '', '{"gotify_priority":0,"sidebar_modules":"{\"chat\":{\"chat\":true,\"enabled\":true,\"playground\":true},\"console\":{\"detail\":true,\"enabled\":true,\"log\":true,\"midjourney\":true,\"task\":true,\"token\":true},\"personal\":{\"enabled\":true,\"personal\":true,\"topup\":true}}"}', '', '', 1796077933, 0),
	(5, 'dave', 'made-up, not a bcrypt hash', 'Dave', 1, 2, '', '', '', '', '', '', 'madeupaccesstoken000000000000005', 2500000, 0, 0, 'default', 'mu05', 0, 0, 0, 0, NULL, '', '{"gotify_priority":0,"sidebar_modules":"{\"chat\":{\"chat\":true,\"enabled\":true,\"playground\":true},\"console\":{\"detail\":true,\"enabled\":true,\"log\":true,\"midjourney\":true,\"task\":true,\"token\":true},\"personal\":{\"enabled\":true,\"personal\":true,\"topup\":true}}"}', '', '', 1796077927, 0),
	(1, 'root', 'made-up, not a bcrypt hash', 'Root User', 100, 1, '', '', '', '', '', '', 'madeupaccesstoken000000000000001', 100000000, 0, 0, 'default', 'mu01', 0, 0, 0, 0, NULL, '', '', '', '', 1796077918, 0),
	(6, 'erin', 'made-up, not a bcrypt hash', 'Erin', 1, 1, '', '', '', '', '', '', 'madeupaccesstoken000000000000006', 3500000, 0, 0, 'default', 'mu06', 0, 0, 0, 0, '2026-11-30 22:32:34.590022+00', '', '{"gotify_priority":0,"sidebar_modules":"{\"chat\":{\"chat\":true,\"enabled\":true,\"playground\":true},\"console\":{\"detail\":true,\"enabled\":true,\"log\":true,\"midjourney\":true,\"task\":true,\"token\":true},\"personal\":{\"enabled\":true,\"personal\":true,\"topup\":true}}"}', '', '', 1796077929, 0),
	(2, 'alice', 'made-up, not a bcrypt hash', 'Alice', 1, 1, '', '', '', '', '', '', 'madeupaccesstoken000000000000002', 4999720, 280, 40, 'default', 'mu02', 0, 0, 0, 0, NULL, '', '{"gotify_priority":0,"sidebar_modules":"{\"chat\":{\"chat\":true,\"enabled\":true,\"playground\":true},\"console\":{\"detail\":true,\"enabled\":true,\"log\":true,\"midjourney\":true,\"task\":true,\"token\":true},\"personal\":{\"enabled\":true,\"personal\":true,\"topup\":true}}"}', '', '', 1796077925, 0),
	(3, 'bob', 'made-up, not a bcrypt hash', 'Bob', 1, 1, '', '', '', '', '', '', 'madeupaccesstoken000000000000003', 12749581, 420, 20, 'vip', 'mu03', 0, 0, 0, 0, NULL, '', '{"gotify_priority":0,"sidebar_modules":"{\"chat\":{\"chat\":true,\"enabled\":true,\"playground\":true},\"console\":{\"detail\":true,\"enabled\":true,\"log\":true,\"midjourney\":true,\"task\":true,\"token\":true},\"personal\":{\"enabled\":true,\"personal\":true,\"topup\":true}}"}', '', '', 1796077926, 0),
	(7, 'frank', 'made-up, not a bcrypt hash', 'Frank', 1, 1, '', '', '', '', '', '', 'madeupaccesstoken000000000000007', -150000, 0, 0, 'default', 'mu07', 0, 0, 0, 0, NULL, '', '{"gotify_priority":0,"sidebar_modules":"{\"chat\":{\"chat\":true,\"enabled\":true,\"playground\":true},\"console\":{\"detail\":true,\"enabled\":true,\"log\":true,\"midjourney\":true,\"task\":true,\"token\":true},\"personal\":{\"enabled\":true,\"personal\":true,\"topup\":true}}"}', '', '', 1796077930, 0),
	(10, 'karl', 'made-up, not a bcrypt hash', 'Karl', 1, 1, '', '', '', '', '', '', 'madeupaccesstoken000000000000010', 3999480, 520, 20, 'default', 'mu10', 0, 0, 0, 0, NULL, '', '{"gotify_priority":0,"sidebar_modules":"{\"chat\":{\"chat\":true,\"enabled\":true,\"playground\":true},\"console\":{\"detail\":true,\"enabled\":true,\"log\":true,\"midjourney\":true,\"task\":true,\"token\":true},\"personal\":{\"enabled\":true,\"personal\":true,\"topup\":true}}"}', '', '', 1796077934, 0);
SELECT pg_catalog.setval('public.authz_roles_id_seq', 2, true);
SELECT pg_catalog.setval('public.casbin_rule_id_seq', 3, true);
SELECT pg_catalog.setval('public.channels_id_seq', 142, true);
SELECT pg_catalog.setval('public.checkins_id_seq', 1, false);
SELECT pg_catalog.setval('public.custom_oauth_providers_id_seq', 1, false);
SELECT pg_catalog.setval('public.logs_id_seq', 281, true);
SELECT pg_catalog.setval('public.midjourneys_id_seq', 1, false);
SELECT pg_catalog.setval('public.models_id_seq', 1, false);
SELECT pg_catalog.setval('public.passkey_credentials_id_seq', 1, false);
SELECT pg_catalog.setval('public.perf_metrics_id_seq', 1, false);
SELECT pg_catalog.setval('public.prefill_groups_id_seq', 1, false);
SELECT pg_catalog.setval('public.quota_data_id_seq', 6, true);
SELECT pg_catalog.setval('public.redemptions_id_seq', 1, false);
SELECT pg_catalog.setval('public.setups_id_seq', 1, true);
SELECT pg_catalog.setval('public.subscription_orders_id_seq', 1, false);
SELECT pg_catalog.setval('public.subscription_plans_id_seq', 1, false);
SELECT pg_catalog.setval('public.subscription_pre_consume_records_id_seq', 1, false);
SELECT pg_catalog.setval('public.system_tasks_id_seq', 1, true);
SELECT pg_catalog.setval('public.tasks_id_seq', 1, false);
SELECT pg_catalog.setval('public.tokens_id_seq', 27, true);
SELECT pg_catalog.setval('public.top_ups_id_seq', 1, false);
SELECT pg_catalog.setval('public.two_fa_backup_codes_id_seq', 1, false);
SELECT pg_catalog.setval('public.two_fas_id_seq', 1, false);
SELECT pg_catalog.setval('public.user_oauth_bindings_id_seq', 1, false);
SELECT pg_catalog.setval('public.user_subscriptions_id_seq', 1, false);
SELECT pg_catalog.setval('public.users_id_seq', 10, true);
SELECT pg_catalog.setval('public.vendors_id_seq', 1, false);
ALTER TABLE ONLY public.abilities
    ADD CONSTRAINT abilities_pkey PRIMARY KEY ("group", model, channel_id);
ALTER TABLE ONLY public.authz_roles
    ADD CONSTRAINT authz_roles_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.casbin_rule
    ADD CONSTRAINT casbin_rule_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.checkins
    ADD CONSTRAINT checkins_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.custom_oauth_providers
    ADD CONSTRAINT custom_oauth_providers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.logs
    ADD CONSTRAINT logs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.midjourneys
    ADD CONSTRAINT midjourneys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.models
    ADD CONSTRAINT models_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.options
    ADD CONSTRAINT options_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.passkey_credentials
    ADD CONSTRAINT passkey_credentials_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.perf_metrics
    ADD CONSTRAINT perf_metrics_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.prefill_groups
    ADD CONSTRAINT prefill_groups_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.quota_data
    ADD CONSTRAINT quota_data_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.redemptions
    ADD CONSTRAINT redemptions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.setups
    ADD CONSTRAINT setups_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.subscription_orders
    ADD CONSTRAINT subscription_orders_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.subscription_orders
    ADD CONSTRAINT subscription_orders_trade_no_key UNIQUE (trade_no);
ALTER TABLE ONLY public.subscription_plans
    ADD CONSTRAINT subscription_plans_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.subscription_pre_consume_records
    ADD CONSTRAINT subscription_pre_consume_records_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.system_instances
    ADD CONSTRAINT system_instances_pkey PRIMARY KEY (node_name);
ALTER TABLE ONLY public.system_task_locks
    ADD CONSTRAINT system_task_locks_pkey PRIMARY KEY (type);
ALTER TABLE ONLY public.system_tasks
    ADD CONSTRAINT system_tasks_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.top_ups
    ADD CONSTRAINT top_ups_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.top_ups
    ADD CONSTRAINT top_ups_trade_no_key UNIQUE (trade_no);
ALTER TABLE ONLY public.two_fa_backup_codes
    ADD CONSTRAINT two_fa_backup_codes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.two_fas
    ADD CONSTRAINT two_fas_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.two_fas
    ADD CONSTRAINT two_fas_user_id_key UNIQUE (user_id);
ALTER TABLE ONLY public.user_oauth_bindings
    ADD CONSTRAINT user_oauth_bindings_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.user_subscriptions
    ADD CONSTRAINT user_subscriptions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_username_key UNIQUE (username);
ALTER TABLE ONLY public.vendors
    ADD CONSTRAINT vendors_pkey PRIMARY KEY (id);
CREATE INDEX idx_abilities_channel_id ON public.abilities USING btree (channel_id);
CREATE INDEX idx_abilities_priority ON public.abilities USING btree (priority);
CREATE INDEX idx_abilities_tag ON public.abilities USING btree (tag);
CREATE INDEX idx_abilities_weight ON public.abilities USING btree (weight);
CREATE UNIQUE INDEX idx_authz_roles_key ON public.authz_roles USING btree (key);
CREATE INDEX idx_casbin_rule ON public.casbin_rule USING btree (ptype, v0, v1, v2, v3, v4, v5);
CREATE UNIQUE INDEX idx_casbin_rule_unique ON public.casbin_rule USING btree (ptype, v0, v1, v2, v3, v4, v5);
CREATE INDEX idx_channels_name ON public.channels USING btree (name);
CREATE INDEX idx_channels_tag ON public.channels USING btree (tag);
CREATE INDEX idx_created_at_id ON public.logs USING btree (created_at, id);
CREATE INDEX idx_created_at_type ON public.logs USING btree (created_at, type);
CREATE UNIQUE INDEX idx_custom_oauth_providers_slug ON public.custom_oauth_providers USING btree (slug);
CREATE INDEX idx_logs_channel_id ON public.logs USING btree (channel_id);
CREATE INDEX idx_logs_group ON public.logs USING btree ("group");
CREATE INDEX idx_logs_ip ON public.logs USING btree (ip);
CREATE INDEX idx_logs_model_name ON public.logs USING btree (model_name);
CREATE INDEX idx_logs_request_id ON public.logs USING btree (request_id);
CREATE INDEX idx_logs_token_id ON public.logs USING btree (token_id);
CREATE INDEX idx_logs_token_name ON public.logs USING btree (token_name);
CREATE INDEX idx_logs_upstream_request_id ON public.logs USING btree (upstream_request_id);
CREATE INDEX idx_logs_user_id ON public.logs USING btree (user_id);
CREATE INDEX idx_logs_username ON public.logs USING btree (username);
CREATE INDEX idx_midjourneys_action ON public.midjourneys USING btree (action);
CREATE INDEX idx_midjourneys_finish_time ON public.midjourneys USING btree (finish_time);
CREATE INDEX idx_midjourneys_mj_id ON public.midjourneys USING btree (mj_id);
CREATE INDEX idx_midjourneys_progress ON public.midjourneys USING btree (progress);
CREATE INDEX idx_midjourneys_start_time ON public.midjourneys USING btree (start_time);
CREATE INDEX idx_midjourneys_status ON public.midjourneys USING btree (status);
CREATE INDEX idx_midjourneys_submit_time ON public.midjourneys USING btree (submit_time);
CREATE INDEX idx_midjourneys_user_id ON public.midjourneys USING btree (user_id);
CREATE INDEX idx_models_deleted_at ON public.models USING btree (deleted_at);
CREATE INDEX idx_models_vendor_id ON public.models USING btree (vendor_id);
CREATE UNIQUE INDEX idx_passkey_credentials_credential_id ON public.passkey_credentials USING btree (credential_id);
CREATE INDEX idx_passkey_credentials_deleted_at ON public.passkey_credentials USING btree (deleted_at);
CREATE UNIQUE INDEX idx_passkey_credentials_user_id ON public.passkey_credentials USING btree (user_id);
CREATE INDEX idx_perf_bucket_ts ON public.perf_metrics USING btree (bucket_ts);
CREATE UNIQUE INDEX idx_perf_model_group_bucket ON public.perf_metrics USING btree (model_name, "group", bucket_ts);
CREATE INDEX idx_prefill_groups_deleted_at ON public.prefill_groups USING btree (deleted_at);
CREATE INDEX idx_prefill_groups_type ON public.prefill_groups USING btree (type);
CREATE INDEX idx_qdt_created_at ON public.quota_data USING btree (created_at);
CREATE INDEX idx_qdt_model_user_name ON public.quota_data USING btree (model_name, username);
CREATE INDEX idx_quota_data_channel_id ON public.quota_data USING btree (channel_id);
CREATE INDEX idx_quota_data_node_name ON public.quota_data USING btree (node_name);
CREATE INDEX idx_quota_data_token_id ON public.quota_data USING btree (token_id);
CREATE INDEX idx_quota_data_use_group ON public.quota_data USING btree (use_group);
CREATE INDEX idx_quota_data_user_id ON public.quota_data USING btree (user_id);
CREATE INDEX idx_redemptions_deleted_at ON public.redemptions USING btree (deleted_at);
CREATE UNIQUE INDEX idx_redemptions_key ON public.redemptions USING btree (key);
CREATE INDEX idx_redemptions_name ON public.redemptions USING btree (name);
CREATE INDEX idx_subscription_orders_plan_id ON public.subscription_orders USING btree (plan_id);
CREATE INDEX idx_subscription_orders_trade_no ON public.subscription_orders USING btree (trade_no);
CREATE INDEX idx_subscription_orders_user_id ON public.subscription_orders USING btree (user_id);
CREATE UNIQUE INDEX idx_subscription_pre_consume_records_request_id ON public.subscription_pre_consume_records USING btree (request_id);
CREATE INDEX idx_subscription_pre_consume_records_status ON public.subscription_pre_consume_records USING btree (status);
CREATE INDEX idx_subscription_pre_consume_records_updated_at ON public.subscription_pre_consume_records USING btree (updated_at);
CREATE INDEX idx_subscription_pre_consume_records_user_id ON public.subscription_pre_consume_records USING btree (user_id);
CREATE INDEX idx_subscription_pre_consume_records_user_subscription_id ON public.subscription_pre_consume_records USING btree (user_subscription_id);
CREATE INDEX idx_system_instances_created_at ON public.system_instances USING btree (created_at);
CREATE INDEX idx_system_instances_last_seen_at ON public.system_instances USING btree (last_seen_at);
CREATE INDEX idx_system_instances_started_at ON public.system_instances USING btree (started_at);
CREATE INDEX idx_system_instances_updated_at ON public.system_instances USING btree (updated_at);
CREATE INDEX idx_system_task_locks_locked_by ON public.system_task_locks USING btree (locked_by);
CREATE INDEX idx_system_task_locks_locked_until ON public.system_task_locks USING btree (locked_until);
CREATE INDEX idx_system_task_locks_task_id ON public.system_task_locks USING btree (task_id);
CREATE INDEX idx_system_task_locks_updated_at ON public.system_task_locks USING btree (updated_at);
CREATE UNIQUE INDEX idx_system_tasks_active_key ON public.system_tasks USING btree (active_key);
CREATE INDEX idx_system_tasks_created_at ON public.system_tasks USING btree (created_at);
CREATE INDEX idx_system_tasks_locked_by ON public.system_tasks USING btree (locked_by);
CREATE INDEX idx_system_tasks_status ON public.system_tasks USING btree (status);
CREATE UNIQUE INDEX idx_system_tasks_task_id ON public.system_tasks USING btree (task_id);
CREATE INDEX idx_system_tasks_type ON public.system_tasks USING btree (type);
CREATE INDEX idx_system_tasks_updated_at ON public.system_tasks USING btree (updated_at);
CREATE INDEX idx_tasks_action ON public.tasks USING btree (action);
CREATE INDEX idx_tasks_channel_id ON public.tasks USING btree (channel_id);
CREATE INDEX idx_tasks_created_at ON public.tasks USING btree (created_at);
CREATE INDEX idx_tasks_finish_time ON public.tasks USING btree (finish_time);
CREATE INDEX idx_tasks_platform ON public.tasks USING btree (platform);
CREATE INDEX idx_tasks_progress ON public.tasks USING btree (progress);
CREATE INDEX idx_tasks_start_time ON public.tasks USING btree (start_time);
CREATE INDEX idx_tasks_status ON public.tasks USING btree (status);
CREATE INDEX idx_tasks_submit_time ON public.tasks USING btree (submit_time);
CREATE INDEX idx_tasks_task_id ON public.tasks USING btree (task_id);
CREATE INDEX idx_tasks_user_id ON public.tasks USING btree (user_id);
CREATE INDEX idx_tokens_deleted_at ON public.tokens USING btree (deleted_at);
CREATE UNIQUE INDEX idx_tokens_key ON public.tokens USING btree (key);
CREATE INDEX idx_tokens_name ON public.tokens USING btree (name);
CREATE INDEX idx_tokens_user_id ON public.tokens USING btree (user_id);
CREATE INDEX idx_top_ups_trade_no ON public.top_ups USING btree (trade_no);
CREATE INDEX idx_top_ups_user_id ON public.top_ups USING btree (user_id);
CREATE INDEX idx_two_fa_backup_codes_deleted_at ON public.two_fa_backup_codes USING btree (deleted_at);
CREATE INDEX idx_two_fa_backup_codes_user_id ON public.two_fa_backup_codes USING btree (user_id);
CREATE INDEX idx_two_fas_deleted_at ON public.two_fas USING btree (deleted_at);
CREATE INDEX idx_two_fas_user_id ON public.two_fas USING btree (user_id);
CREATE UNIQUE INDEX idx_user_checkin_date ON public.checkins USING btree (user_id, checkin_date);
CREATE INDEX idx_user_id_id ON public.logs USING btree (user_id, id);
CREATE INDEX idx_user_sub_active ON public.user_subscriptions USING btree (user_id, status, end_time);
CREATE INDEX idx_user_subscriptions_end_time ON public.user_subscriptions USING btree (end_time);
CREATE INDEX idx_user_subscriptions_next_reset_time ON public.user_subscriptions USING btree (next_reset_time);
CREATE INDEX idx_user_subscriptions_plan_id ON public.user_subscriptions USING btree (plan_id);
CREATE INDEX idx_user_subscriptions_status ON public.user_subscriptions USING btree (status);
CREATE INDEX idx_user_subscriptions_user_id ON public.user_subscriptions USING btree (user_id);
CREATE UNIQUE INDEX idx_users_access_token ON public.users USING btree (access_token);
CREATE UNIQUE INDEX idx_users_aff_code ON public.users USING btree (aff_code);
CREATE INDEX idx_users_deleted_at ON public.users USING btree (deleted_at);
CREATE INDEX idx_users_discord_id ON public.users USING btree (discord_id);
CREATE INDEX idx_users_display_name ON public.users USING btree (display_name);
CREATE INDEX idx_users_email ON public.users USING btree (email);
CREATE INDEX idx_users_git_hub_id ON public.users USING btree (github_id);
CREATE INDEX idx_users_inviter_id ON public.users USING btree (inviter_id);
CREATE INDEX idx_users_linux_do_id ON public.users USING btree (linux_do_id);
CREATE INDEX idx_users_oidc_id ON public.users USING btree (oidc_id);
CREATE INDEX idx_users_stripe_customer ON public.users USING btree (stripe_customer);
CREATE INDEX idx_users_telegram_id ON public.users USING btree (telegram_id);
CREATE INDEX idx_users_username ON public.users USING btree (username);
CREATE INDEX idx_users_we_chat_id ON public.users USING btree (wechat_id);
CREATE INDEX idx_vendors_deleted_at ON public.vendors USING btree (deleted_at);
CREATE INDEX index_username_model_name ON public.logs USING btree (model_name, username);
CREATE UNIQUE INDEX uk_model_name_delete_at ON public.models USING btree (model_name, deleted_at);
CREATE UNIQUE INDEX uk_prefill_name ON public.prefill_groups USING btree (name) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX uk_vendor_name_delete_at ON public.vendors USING btree (name, deleted_at);
CREATE UNIQUE INDEX ux_provider_userid ON public.user_oauth_bindings USING btree (provider_id, provider_user_id);
CREATE UNIQUE INDEX ux_user_provider ON public.user_oauth_bindings USING btree (user_id, provider_id);
