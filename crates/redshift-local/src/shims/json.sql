-- JSON in text. What is no JSON is an error, or NULL where the last argument says so.
create or replace function redshift_local.is_valid_json(value text) returns boolean language plpgsql immutable strict as
    $$
    begin
        return json_typeof(value::json) = 'object';
    exception when others then
        return false;
    end
    $$;
create or replace function redshift_local.is_valid_json_array(value text) returns boolean
    language plpgsql immutable strict as
    $$
    begin
        return json_typeof(value::json) = 'array';
    exception when others then
        return false;
    end
    $$;
create or replace function redshift_local.json_array_length(value text) returns integer language sql immutable strict as
    $$ select pg_catalog.json_array_length(value::json) $$;
create or replace function redshift_local.json_array_length(value text, null_if_invalid boolean) returns integer
    language sql immutable strict as
    $$
    select case
        when redshift_local.is_valid_json_array(value) or not null_if_invalid then redshift_local.json_array_length(value)
    end
    $$;
create or replace function redshift_local.json_extract_array_element_text(value text, index integer) returns text
    language sql immutable strict as $$ select case when index >= 0 then value::json ->> index end $$;
create or replace function redshift_local.json_extract_array_element_text(
    value text, index integer, null_if_invalid boolean
) returns text language sql immutable strict as
    $$
    select case
        when redshift_local.is_valid_json_array(value) or not null_if_invalid
            then redshift_local.json_extract_array_element_text(value, index)
    end
    $$;
create or replace function redshift_local.json_extract_path_text(value text, variadic path text[]) returns text
    language sql immutable strict as $$ select pg_catalog.json_extract_path_text(value::json, variadic path) $$;
-- The flag stands last in Redshift; the translation puts it in front of the path.
create or replace function redshift_local.json_extract_path_text_or_null(
    null_if_invalid boolean, value text, variadic path text[]
) returns text language sql immutable strict as
    $$
    select case
        when redshift_local.is_valid_json(value) or redshift_local.is_valid_json_array(value) or not null_if_invalid
            then redshift_local.json_extract_path_text(value, variadic path)
    end
    $$
