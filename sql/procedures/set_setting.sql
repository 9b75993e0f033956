-- etl.set_setting: keeps one named value.
-- Writes: etl.settings.
create or replace procedure etl.set_setting(setting_name varchar(128), setting_value varchar(1024))
as $$
begin
    delete from etl.settings where name = setting_name;
    insert into etl.settings (name, value) values (setting_name, setting_value);
end;
$$ language plpgsql;
